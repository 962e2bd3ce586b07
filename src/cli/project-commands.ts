import { Argument, Option } from '@commander-js/extra-typings';
import { anyNumber, atLeastOne, collect, wordsOf } from './option-values.ts';
import { jsonOption, someServerOption } from './program-options.ts';
import type { CommandMaker } from './server-commands.ts';

const forgeArgument = () => new Argument('<forge>', 'where').choices(['github', 'gitlab', 'gitea'] as const);

const credentialUser = () => new Option('--user <name>', 'whose it is (default: git, for servers that take any with a token)');

/** The command about projects of a server. */
export const projectCommands = ({ command, context, finish }: CommandMaker): void => {
  const projects = command('projects', 'list, add, set and remove projects of a server');
  projects
    .command('list', { isDefault: true })
    .summary('list those that you may see')
    .addOption(someServerOption())
    .addOption(jsonOption('print JSON lines'))
    .action(async (options) => finish(await (await import('./commands/projects.ts')).projectList(context(), options)));
  projects
    .command('add')
    .summary('make a project of a repository; what its hook signs with is printed once')
    .argument('[name]', 'OWNER/NAME, for a repository of no forge')
    .option('--clone-url <url>', 'where it is cloned from: https://… or git@HOST:…')
    .option('--branch <name>', 'its default branch (default: main)')
    .option('--public', 'everybody may see it')
    .addOption(new Option('--forge <name>', 'a repository of this forge instead').choices(['github', 'gitlab', 'gitea'] as const))
    .option('--repository <number>', 'its number at the forge')
    .option('--credential', 'clone it over https with a token or password, read from stdin or typed unseen')
    .addOption(credentialUser())
    .addOption(someServerOption())
    .action(async (name, options) => finish(await (await import('./commands/projects.ts')).projectAdd(context(), name, options)));
  projects
    .command('repositories')
    .summary('list the repositories of a forge that you may connect, with their numbers')
    .addArgument(forgeArgument())
    .addOption(someServerOption())
    .addOption(jsonOption('print JSON lines'))
    .action(async (forge, options) =>
      finish(await (await import('./commands/projects.ts')).projectRepositories(context(), forge, options)),
    );
  projects
    .command('settings')
    .summary('show what the owners of a project chose, and change it')
    .argument('<name>', 'OWNER/NAME')
    .addOption(
      new Option('--branches <glob>', 'runs are made of pushes to these branches; "!GLOB" takes out (repeatable)')
        .argParser(collect)
        .conflicts('allBranches'),
    )
    .option('--all-branches', 'of pushes to all branches')
    .addOption(
      new Option('--paths <glob>', 'only of pushes that change one of these (repeatable)').argParser(collect).conflicts('allPaths'),
    )
    .option('--all-paths', 'whatever a push changes')
    .addOption(
      new Option('--triggers <kind>', 'what makes runs: push, tag, pull-request; with commas, or repeated').argParser(
        wordsOf(['push', 'tag', 'pull-request']),
      ),
    )
    .option('--no-triggers', 'nothing of what the forge or the hook tells makes runs')
    .addOption(new Option('--commits <which>', 'of a push with several commits').choices(['all', 'newest'] as const))
    .addOption(new Option('--priority <n>', 'whose stages go first: the larger number, from -1000 to 1000').argParser(anyNumber))
    .addOption(new Option('--labels <label>', 'only workers that have this label run its stages (repeatable)').argParser(collect))
    .option('--no-labels', 'any worker may')
    .addOption(new Option('--limit <n>', 'how many of its stages may run at a time').argParser(atLeastOne))
    .option('--no-limit', 'as many as there are workers for')
    .addOption(
      new Option('--approve-forks <when>', 'whether runs of commits from forks wait until somebody approves them').choices([
        'always',
        'first-time',
        'never',
      ] as const),
    )
    .option('--default-branch <name>', 'the branch of runs that name none')
    .addOption(new Option('--visibility <who>', 'who may see its runs').choices(['public', 'private'] as const))
    .addOption(someServerOption())
    .addOption(jsonOption('print JSON'))
    .action(async (name, options) =>
      finish(await (await import('./commands/project-settings.ts')).projectSettings(context(), name, options)),
    );
  projects
    .command('remove')
    .summary('take a project off the server')
    .argument('<name>', 'OWNER/NAME')
    .option('--yes', 'do not ask; needed where stdin is no terminal')
    .option('--force', 'also when its webhook cannot be removed at the forge')
    .addOption(someServerOption())
    .action(async (name, options) => finish(await (await import('./commands/projects.ts')).projectRemove(context(), name, options)));

  projects
    .command('credential')
    .summary('what a project is cloned with over https: a token or password, read from stdin or typed unseen')
    .argument('<name>', 'OWNER/NAME')
    .addOption(credentialUser())
    .option('--remove', 'it has none any more')
    .addOption(someServerOption())
    .action(async (name, options) => finish(await (await import('./commands/projects.ts')).projectCredential(context(), name, options)));
};

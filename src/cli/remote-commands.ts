import { Argument, type Command, Option } from '@commander-js/extra-typings';
import { atLeastOne, collect } from './option-values.ts';
import { detachOption, jsonOption, onServer, remotely, runArgument, someServerOption } from './program-options.ts';
import type { CommandMaker } from './server-commands.ts';

const forgeArgument = () => new Argument('<forge>', 'where').choices(['github', 'gitlab', 'gitea'] as const);

const credentialUser = () => new Option('--user <name>', 'whose it is (default: git, for servers that take any with a token)');

/** The commands about runs, projects and environments of a server. */
export const remoteCommands = ({ command, context, finish }: CommandMaker): void => {
  remotely(
    command('why', 'say why a stage or a gate waits, was skipped, or ended as it did')
      .argument('[run]', runArgument)
      .argument('[stage]', 'a stage or a gate; without it: the run, and all in it that has not ended'),
  ).action(async (run, stage, options) => finish(await (await import('./commands/why.ts')).why(context(), run, stage, options)));

  remotely(
    command('diff', 'say in what two environments differ')
      .argument('<environment>', 'one of them')
      .argument('<other>', 'the other')
      .addOption(jsonOption('print JSON')),
  ).action(async (one, other, options) => finish(await (await import('./commands/diff.ts')).diff(context(), one, other, options)));

  onServer(
    command('rollback', 'have a server run an earlier release of an environment again')
      .description(
        'Begins a run on a server of the stages that deployed a release to the environment, with the files and the images that they had.\n' +
          'It is recorded as a deployment of the old commit. See docs/remote.md.',
      )
      .argument('<environment>', 'where to')
      .option('--to <run>', 'the release of this run (default: that before what is there now)')
      .addOption(detachOption())
      .addOption(jsonOption('print the events of the run as JSON lines'))
      .option('--plain', 'print plain lines, also on a terminal'),
  ).action(async (environment, options) =>
    finish(await (await import('./commands/rollback.ts')).rollback(context(), environment, options)),
  );

  command('queue', 'show the queue of a server: what waits for workers, and what they have')
    .addOption(someServerOption())
    .addOption(jsonOption('print JSON lines'))
    .action(async (options) => finish(await (await import('./commands/queue.ts')).queue(context(), options)));

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
      new Option('--approve-forks <when>', 'whether runs of commits from forks wait until somebody approves them').choices([
        'always',
        'first-time',
        'never',
      ] as const),
    )
    .addOption(someServerOption())
    .addOption(jsonOption('print JSON'))
    .action(async (name, options) => finish(await (await import('./commands/projects.ts')).projectSettings(context(), name, options)));
  projects
    .command('remove')
    .summary('take a project off the server')
    .argument('<name>', 'OWNER/NAME')
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

  const worker = command('worker', 'let workers work for a server');
  const token = worker.command('token').summary('the tokens of workers');
  token
    .command('add')
    .summary('make the token of a worker; it is printed once')
    .argument('<name>', 'the worker that it is for')
    .addOption(new Option('--expires-in-days <n>', 'how long it is good (default: until it is revoked)').argParser(atLeastOne))
    .addOption(someServerOption())
    .action(async (name, options) => finish(await (await import('./commands/worker-token.ts')).workerTokenAdd(context(), name, options)));
};

/** The secrets that a server keeps for a project. */
export const remoteSecretCommands = (secret: Command, { context, finish }: Pick<CommandMaker, 'context' | 'finish'>): void => {
  const only = (what: string, text: string) => new Option(`--${what} <name>`, `only for ${text} (repeatable)`).argParser(collect);
  onServer(
    secret
      .command('set')
      .summary('give a project of a server a secret, read from stdin or typed unseen')
      .argument('[name]', 'the variable that it is for')
      .option('--variable', 'no secret: it may stand in logs')
      .addOption(new Option('--identity', 'an age key that reads what is encrypted in the text').conflicts('variable'))
      .addOption(only('pipeline', 'this pipeline'))
      .addOption(only('branch', 'runs of this branch'))
      .addOption(only('environment', 'stages that deploy to this environment'))
      .addOption(only('trigger', 'runs that began so: push, tag, manual, …')),
  ).action(async (name, options) => finish(await (await import('./commands/server-secrets.ts')).secretSet(context(), name, options)));
  onServer(
    secret.command('list').summary('list what a project of a server has, without the values').addOption(jsonOption('print JSON lines')),
  ).action(async (options) => finish(await (await import('./commands/server-secrets.ts')).secretList(context(), options)));
  onServer(secret.command('rm').summary('remove a secret of a project of a server').argument('<name>', 'its name')).action(
    async (name, options) => finish(await (await import('./commands/server-secrets.ts')).secretRemove(context(), name, options)),
  );
};

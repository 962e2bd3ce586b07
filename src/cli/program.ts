import { readFileSync } from 'node:fs';
import { Argument, Command, type CommandOptions, Option } from '@commander-js/extra-typings';
import type { Context } from './context.ts';
import { takeFromEnvironment } from './environment-options.ts';
import { collect, fullRef, wholeNumber, age } from './option-values.ts';
import {
  runArgument,
  remotely,
  localOfRuns,
  detachOption,
  deciding,
  building,
  guarding,
  executing,
  pipelineOption,
  targetOption,
  logOption,
  resultsOption,
  resultsEndpointOption,
  stepsRegistryOption,
  stepReference,
  stepDirectory,
  jsonOption,
  runtimeOption,
  identityOption,
} from './program-options.ts';
import { peopleCommands } from './people-commands.ts';
import { projectCommands } from './project-commands.ts';
import { remoteCommands, remoteSecretCommands } from './remote-commands.ts';
import { serverCommands } from './server-commands.ts';
import { tokenCommands } from './token-commands.ts';
import { triggerAndSubscriptionCommands } from './trigger-commands.ts';
import { type CommandExit, type ExitCode, exitCodeMeanings } from './exit-codes.ts';

export type ProgramProcess = Omit<Context, 'project'> & {
  /** Called once, with what the chosen command ended with. */
  readonly finish: (code: ExitCode | CommandExit) => void;
};

/** The command line: names, options and texts. What a command does is loaded only when it is called. */
export const buildProgram = (process: ProgramProcess, name: 'cion' | 'dockercise' = 'cion') => {
  const isDockercise = name === 'dockercise';
  const program = new Command(name)
    .description(
      isDockercise ? 'Stages in *.dockercise.yaml, each in a container.' : 'From a git commit to a deployment, one queue of containers.',
    )
    .option('-C, --project <dir>', 'work on the project in or around this directory instead of the current one')
    .option('--debug', 'show the stack of unexpected errors (also CION_DEBUG=1)')
    .version(versionOfPackage(), '-V, --version', 'print the version')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({ writeOut: (text) => process.stdout.write(text), writeErr: (text) => process.stderr.write(text) })
    .showHelpAfterError(`Run "${name} --help" to see what there is.`)
    .addHelpText('after', () => exitCodesHelp)
    .exitOverride()
    .hook('preAction', (_program, called) => takeFromEnvironment(called, process.env));

  const context = (): Context => ({
    cwd: process.cwd,
    ...(program.opts().project === undefined ? {} : { project: program.opts().project }),
    env: process.env,
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
  });
  const command = (name: string, summary: string, how: CommandOptions = {}) => program.command(name, how).summary(summary);
  const dialectOption = () => {
    const option = new Option('--dialect <name>', 'read the files of this dialect: cion or dockercise');
    return isDockercise ? option.default(name, 'dockercise') : option;
  };
  const { finish } = process;

  remotely(
    guarding(
      executing(
        command('run', 'run the pipeline of a commit, or of the working tree as it is', { isDefault: isDockercise })
          .description(
            'Runs the pipeline of the working tree as git sees it (tracked files and untracked ones that are not ignored), or of a clean commit.\n' +
              'With --server: of the commit here as it was pushed, on a server, as if it ran here. See docs/remote.md.\n' +
              'A name is a stage: it and all that it needs are run. An argument with a "/" (or "." and "..") is the path of a project.',
          )
          .argument('[target-or-path...]', 'stages to run, or the directory of a project')
          .option('--commit <rev>', 'run a clean checkout of this commit, branch or tag')
          .addOption(pipelineOption())
          .addOption(targetOption())
          .addOption(dialectOption())
          .addOption(new Option('--only <stage>', 'run only this stage, without those it needs (repeatable)').argParser(collect))
          .addOption(stepsRegistryOption())
          .addOption(logOption())
          .addOption(new Option('--ref <ref>', 'with --server: the newest commit of this branch, or of refs/tags/NAME').argParser(fullRef))
          .addOption(detachOption()),
      ),
    ),
    localOfRuns,
  ).action(async (args, options) => finish(await (await import('./commands/run.ts')).run(context(), args, options)));

  building(
    guarding(
      executing(
        command('build', 'build a project, and keep the box as an image for its deploy')
          .description(
            'Runs the pipeline "build" of the project here, of a directory, or of OWNER/PROJECT as "cion fetch" left it in the build directory,' +
              ' which is removed afterwards.\nThe box of steps becomes the image cion-builds/PROJECT with the id of the run, from which "cion deploy" begins.',
          )
          .argument('[project]', 'OWNER/PROJECT that was fetched, or a directory')
          .option('--rev <rev>', 'build a clean checkout of this commit, branch or tag')
          .option('--detect', 'write a wercker.yml that fits the project when it has none')
          .option('--deploy', 'deploy what was built when it passed')
          .option('--keep', 'do not remove the build directory that "cion fetch" made')
          .addOption(dialectOption())
          .addOption(logOption()),
      ),
    ),
  ).action(async (place, options) => finish(await (await import('./commands/build.ts')).build(context(), place, options)));

  guarding(
    executing(
      command('deploy', 'deploy what a build that passed has left')
        .description(
          'Runs the pipeline "deploy" with the files that a run left, in the image that it committed. Only a run that passed can be deployed.\n' +
            'It is a run of its own, and says from which it came.',
        )
        .argument('[target]', 'a deploy target of the configuration')
        .option('--from <run>', 'the run: a number, an id or its beginning (default: the newest build that passed)')
        .option('--pipeline <name>', 'another pipeline than "deploy"')
        .addOption(dialectOption())
        .addOption(stepsRegistryOption())
        .addOption(logOption()),
    ),
  ).action(async (target, options) => finish(await (await import('./commands/deploy.ts')).deploy(context(), target, options)));

  building(
    guarding(
      executing(
        command('dev', 'run the pipeline, and again whenever a file has changed')
          .description(
            'Runs the pipeline "dev", or "build" where there is none, and again whenever a file changes that git does not ignore; what runs at that moment is' +
              ' cancelled. Ends with Ctrl-C.',
          )
          .addOption(dialectOption())
          .addOption(logOption()),
      ),
    ),
  ).action(async (options) => finish(await (await import('./commands/dev.ts')).dev(context(), options)));

  command('fetch', 'fetch the source of a project into the build directory')
    .description(
      'Fetches the newest commit of HOST/OWNER/PROJECT, or of its branch, tag or full commit behind "@", by https, without its past. An address' +
        ' (https://, ssh://, git@HOST:…) is taken as it is.\nInto the directory "source" of BUILD_DIR (default: /tmp/build/$BUILD_ID), which is made, or' +
        ' into a directory that is named.',
    )
    .argument('<repository>', 'HOST/OWNER/PROJECT[@REF], or an address')
    .argument('[dir]', 'where to, in place of the build directory')
    .option('--ssh', 'by ssh, as the user git')
    .action(async (repository, dir, options) =>
      finish(await (await import('./commands/fetch.ts')).fetch(context(), repository, dir, options)),
    );

  command('detect', 'write a wercker.yml that fits a project of Node, Ruby, Go or Python')
    .option('--print', 'print it instead of writing it')
    .option('--force', 'write it even if there is one')
    .action(async (options) => finish(await (await import('./commands/detect.ts')).detect(context(), options)));

  command('plan', 'print what would be run, and run nothing')
    .aliases(isDockercise ? ['graph'] : [])
    .argument('[target...]', 'stages: only these and all that they need')
    .option('--commit <rev>', 'the plan of a clean checkout of this commit, branch or tag')
    .addOption(jsonOption('print the plan as JSON').conflicts('mermaid'))
    .option('--mermaid', 'print it as a Mermaid flowchart')
    .addOption(pipelineOption())
    .addOption(targetOption())
    .addOption(dialectOption())
    .addOption(stepsRegistryOption())
    .action(async (targets, options) => finish(await (await import('./commands/plan.ts')).plan(context(), targets, options)));

  command('check', 'say what is wrong with the configuration')
    .addOption(pipelineOption())
    .addOption(targetOption())
    .addOption(dialectOption())
    .addOption(stepsRegistryOption())
    .action(async (options) => finish(await (await import('./commands/check.ts')).check(context(), options)));

  command('init', 'write a .cion.yml that fits the project')
    .option('--print', 'print it instead of writing it')
    .option('--force', 'write it even if there is one')
    .action(async (options) => finish(await (await import('./commands/init.ts')).init(context(), options)));

  remotely(
    command('runs', 'list the runs, the newest first')
      .option('--all', 'list all of them, not only the last 20')
      .option('--branch <name>', 'only runs of this branch')
      .addOption(new Option('--outcome <outcome>', 'only runs that ended so').choices(['passed', 'failed', 'errored', 'cancelled']))
      .addOption(jsonOption('print JSON lines')),
  ).action(async (options) => finish(await (await import('./commands/runs.ts')).runs(context(), options)));

  remotely(
    command('show', 'show a run: its stages, how they ended and why')
      .argument('[run]', runArgument)
      .option('-f, --follow', 'while it runs, show what happens')
      .addOption(jsonOption('print the events of the run as JSON lines')),
  ).action(async (run, options) => finish(await (await import('./commands/show.ts')).show(context(), run, options)));

  remotely(
    command('logs', 'print what a stage wrote, byte for byte')
      .description(
        'Prints what a stage wrote: its stdout to stdout, its stderr to stderr, byte for byte. "fetch" is a stage too.\n' +
          'Without a stage: of all stages, one after the other.',
      )
      .argument('[run]', runArgument)
      .argument('[stage]', 'a stage of the run, "fetch", or "<stage>.done"')
      .option('-f, --follow', 'go on until the stage has ended')
      .addOption(new Option('--attempt <n>', 'of this attempt instead of the newest').argParser(wholeNumber))
      .addOption(new Option('--step <step>', 'only what this step of the stage wrote, by its id or name').conflicts('follow')),
  ).action(async (run, stage, options) => finish(await (await import('./commands/logs.ts')).logs(context(), run, stage, options)));

  command('shell', 'open a shell in the state after a step, also of a stage that failed or goes on')
    .description(
      'Opens a shell in the container of a stage while that runs; else, or with a step, in a new one of the image that was committed after it.\n' +
        'Nothing that is done there changes the run, nor what was kept of it. It ends with the exit code of the shell, or of the command after "--".',
    )
    .argument('<place>', 'a run, with a stage and a step where there are several: 12, last/build, 12/build@npm-install')
    .argument('[command...]', 'after "--": run this instead of a shell')
    .action(async (place, words) => finish(await (await import('./commands/shell.ts')).shell(context(), place, words)));

  remotely(
    command('artifacts', 'list the files that the stages left behind, or get them')
      .argument('[run]', runArgument)
      .argument('[stage]', 'only of this stage')
      .option('--steps', 'only what its steps kept for themselves, each below its id')
      .addOption(new Option('--get <path>', 'print one file to stdout').conflicts(['extract', 'json']))
      .addOption(new Option('--extract <dir>', 'write all files below this directory').conflicts('json'))
      .addOption(jsonOption('print JSON lines')),
  ).action(async (run, stage, options) =>
    finish(await (await import('./commands/artifacts.ts')).artifacts(context(), run, stage, options)),
  );

  command('results', 'upload results that a run with --results could not upload')
    .description(
      'push: uploads what could not be uploaded while runs went on; of a run that is named, all of it once more.\n' +
        'Exit code 0 when all is there, 3 when something is left; what is left stays remembered.',
    )
    .addArgument(new Argument('<action>', 'what to do').choices(['push'] as const))
    .argument('[run]', 'a number, an id or its beginning; without it: all that have something left')
    .addOption(resultsOption())
    .addOption(resultsEndpointOption())
    .action(async (_action, run, options) => finish(await (await import('./commands/results.ts')).pushResults(context(), run, options)));

  remotely(
    command('deployments', 'say what was deployed where, the newest first')
      .option('--at <environment>', 'only what is there now')
      .addOption(jsonOption('print JSON lines')),
  ).action(async (options) => finish(await (await import('./commands/deployments.ts')).deployments(context(), options)));

  remotely(
    executing(
      command(
        'rerun',
        'run the stages of a finished run again, as further attempts of it; ask anew about a run of a fork that was not approved',
      )
        .argument('[run]', runArgument)
        .option('--failed', 'only the stages that did not pass, and those that go with them')
        .addOption(detachOption()),
    ),
    [...localOfRuns, 'env', 'envFile'],
  ).action(async (run, options) => finish(await (await import('./commands/rerun.ts')).rerun(context(), run, options)));

  executing(
    command('resume', 'go on with a run whose process died').argument(
      '[run]',
      'a number, an id or its beginning; without it: the newest that was left',
    ),
  ).action(async (run, options) => finish(await (await import('./commands/resume.ts')).resume(context(), run, options)));

  remotely(
    command('cancel', 'end a run: ask its process, or end what a dead one left')
      .argument('[run]', 'a number, an id or its beginning; without it: the newest that has not ended')
      .option('--force', 'do not wait for commands to end politely')
      .addOption(runtimeOption()),
  ).action(async (run, options) => finish(await (await import('./commands/cancel.ts')).cancel(context(), run, options)));

  remotely(deciding(command('approve', 'let a run go on that waits at a gate for a person, or a run of a fork begin'))).action(
    async (run, gate, options) => finish(await (await import('./commands/approve.ts')).approve(context(), run, gate, options)),
  );

  remotely(deciding(command('reject', 'say no at a gate, or to a run of a fork: what waits is not run'))).action(
    async (run, gate, options) => finish(await (await import('./commands/approve.ts')).reject(context(), run, gate, options)),
  );

  command('clean', 'remove containers, networks and volumes that dead runs left')
    .option('--all-projects', 'also what runs of other projects left, or are using at this moment')
    .option('--caches', 'also the caches of the project; with --all-projects those of all')
    .addOption(
      new Option('--runs-older-than <age>', 'forget finished runs that are older, e.g. 30d or 12h, with logs and artifacts').argParser(age),
    )
    .addOption(
      new Option(
        '--images-older-than <age>',
        'remove older images that runs of this project made under names or after steps, but of each stage the newest that passed',
      ).argParser(age),
    )
    .addOption(runtimeOption())
    .action(async (options) => finish(await (await import('./commands/clean.ts')).clean(context(), options)));

  const secret = command('secret', 'keep secrets with the project, encrypted with age, or on a server').description(
    'Keeps secrets with the project: encrypted with age, for those who may read them; or gives them to a server. See docs/secrets.md.',
  );
  secret
    .command('keygen')
    .summary('make a key of your own, and print its public half')
    .addOption(new Option('--out <file>', 'write the key to this file (default: age.key in the directory cion of your configuration)'))
    .action(async (options) => finish(await (await import('./commands/secret-keygen.ts')).secretKeygen(context(), options)));
  secret
    .command('encrypt')
    .summary('encrypt a value, read from stdin or typed unseen, and print it for the configuration')
    .argument('[name]', 'the variable that it is for')
    .addOption(
      new Option('--to <recipient>', 'who may read it, age1… (repeatable; default: .cion.recipients, else your own key)').argParser(
        collect,
      ),
    )
    .addOption(identityOption())
    .action(async (name, options) => finish(await (await import('./commands/secret-encrypt.ts')).secretEncrypt(context(), name, options)));
  secret
    .command('decrypt')
    .summary('print an encrypted file, or an encrypted value from stdin, in the clear')
    .argument('[file]', 'an age file; without it: stdin')
    .addOption(identityOption())
    .action(async (file, options) => finish(await (await import('./commands/secret-decrypt.ts')).secretDecrypt(context(), file, options)));
  secret
    .command('edit')
    .summary("open the project's secrets in your editor (VISUAL, EDITOR)")
    .argument('[file]', 'the encrypted file (default: .cion.secrets.age)')
    .addOption(identityOption())
    .action(async (file, options) => finish(await (await import('./commands/secret-edit.ts')).secretEdit(context(), file, options)));

  remoteSecretCommands(secret, { context, finish });

  const step = command('step', 'look at, fetch and publish steps of pipelines').description(
    'Steps of pipelines: those that come with cion, and those of a registry. See docs/steps.md.',
  );
  step
    .command('list')
    .summary('list the steps that come with cion, and those that were fetched for the project')
    .action(async () => finish(await (await import('./commands/step-list.ts')).stepList(context())));
  step
    .command('show')
    .summary('say what a step is: its version, its files and its manifest')
    .argument('<reference>', stepReference)
    .addOption(stepsRegistryOption())
    .action(async (reference, options) => finish(await (await import('./commands/step-show.ts')).stepShow(context(), reference, options)));
  step
    .command('fetch')
    .summary('fetch a step as a run would, and keep it')
    .argument('<reference>', stepReference)
    .addOption(stepsRegistryOption())
    .action(async (reference, options) => finish(await (await import('./commands/step-show.ts')).stepFetch(context(), reference, options)));
  step
    .command('pack')
    .summary('check a step and write the tar.gz that a registry takes')
    .argument('<dir>', stepDirectory)
    .option('--out <file>', 'write it to this file (default: <name>-<version>.tar.gz)')
    .action(async (dir, options) => finish(await (await import('./commands/step-publish.ts')).stepPack(context(), dir, options)));
  step
    .command('publish')
    .summary('check a step and hand it to a registry, as who STEPS_REGISTRY_TOKEN says')
    .argument('<dir>', stepDirectory)
    .addOption(stepsRegistryOption())
    .option('--owner <name>', 'whose step it is (default: whose token it is)')
    .option('--private', 'for the owner alone')
    .action(async (dir, options) => finish(await (await import('./commands/step-publish.ts')).stepPublish(context(), dir, options)));

  remoteCommands({ command, context, finish });
  projectCommands({ command, context, finish });
  triggerAndSubscriptionCommands({ command, context, finish });
  peopleCommands({ command, context, finish });
  tokenCommands({ command, context, finish });
  serverCommands({ command, context, finish });

  command('doctor', 'look whether all that cion needs is there, and say what to do').action(async () =>
    finish(await (await import('./commands/doctor.ts')).doctor(context())),
  );

  command('completion', 'print a script that completes cion commands in your shell')
    .addHelpText('after', completionHelp)
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish'] as const))
    .action(async (shell) => finish(await (await import('./commands/completion.ts')).completion(context(), shell)));

  command('complete', 'print what could come next', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .action(async (words) => finish(await (await import('./commands/complete.ts')).complete(context(), program, words)));

  for (const group of program.commands.flatMap((one) => [one, ...one.commands]))
    if (group.commands.length > 0)
      group.hook('preSubcommand', async () => (await import('./refuse-unknown-command.ts')).refuseUnknownCommand(group));

  return program;
};

const exitCodesHelp = `\nExit codes:\n${Object.entries(exitCodeMeanings)
  .map(([code, meaning]) => `  ${code.padEnd(5)}${meaning}`)
  .join('\n')}\n`;

const completionHelp = `
  bash:  echo 'source <(cion completion bash)' >> ~/.bashrc
  zsh:   cion completion zsh > "\${fpath[1]}/_cion"
  fish:  cion completion fish > ~/.config/fish/conf.d/cion.fish
`;

const versionOfPackage = (): string => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string };
  return version;
};

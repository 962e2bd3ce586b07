import { type Command, Option, type OptionValues } from '@commander-js/extra-typings';
import { atLeastOne, collect } from './option-values.ts';

export const runArgument = 'a number, an id or its beginning; without it: the newest';

/** What the commands share that work on this machine, and with `--server` on a server; `local`: what is not for runs there. */
export const remotely = <Args extends unknown[], Opts extends OptionValues>(command: Command<Args, Opts>, local: readonly string[] = []) =>
  command
    .addOption(
      new Option(
        '--server [url]',
        'of a server: this one, or without an address that of CION_SERVER, else of the last login (then write it last)',
      ).conflicts([...local]),
    )
    .addOption(onOption().conflicts([...local]));

/** What the commands share that are about a project of a server and nothing else. */
export const onServer = <Args extends unknown[], Opts extends OptionValues>(command: Command<Args, Opts>) =>
  command.addOption(someServerOption()).addOption(onOption());

/** `--server` alone means what is meant without it, so that it may stand at every command of a server. */
export const someServerOption = () =>
  new Option('--server [url]', 'the address of the server (default: CION_SERVER, else that of the last login)');

const onOption = () =>
  new Option('--on <project>', 'OWNER/NAME on the server (default: the project that is cloned from where the repository here is)');

export const detachOption = () => new Option('--detach', 'with --server: begin it, and do not stay with it');

/** What of `executing` and `guarding` a server decides for itself. */
export const localOfRuns: readonly string[] = [
  'only',
  'dialect',
  'log',
  'stepsRegistry',
  'identity',
  'concurrency',
  'failFast',
  'keepGoing',
  'approve',
  'record',
  'results',
  'resultsEndpoint',
  'eventsUrl',
  'logsUrl',
  'allowPrivileged',
  'allowHostPath',
  'production',
  'boxRegistry',
  'allowRegistry',
  'policy',
];

/** What the commands share that decide a gate. */
export const deciding = <Args extends unknown[], Opts extends OptionValues>(command: Command<Args, Opts>) =>
  command
    .argument('[run]', 'a number, an id or its beginning; without it: the newest that waits at this gate')
    .argument('[gate]', 'the gate; may be left out where it is the only one that waits')
    .option('--by <name>', 'who decides (default: the name of the user); recorded, and not proven')
    .option('--reason <text>', 'why; recorded with the decision');

/** What the commands share that may make an image of the box. */
export const building = <Args extends unknown[], Opts extends OptionValues>(command: Command<Args, Opts>) =>
  command
    .addOption(pipelineOption())
    .addOption(targetOption())
    .addOption(stepsRegistryOption())
    .addOption(
      new Option(
        '--commit [name]',
        'give the image this name, NAME:TAG, too; {run} and {outcome} (green or red) may be in it; write --commit=NAME (repeatable)',
      ).argParser((value: string, earlier: true | readonly string[] | undefined): readonly string[] =>
        collect(value, earlier === true ? undefined : earlier),
      ),
    )
    .option('--no-commit', 'make no image')
    .option('--commit-steps', 'keep an image after each step, too')
    .option('--registry <repository>', 'name it HOST/REPOSITORY with the tags {run} (or BUILD_ID), latest, and green or red')
    .option('--push', 'push it to where its names say');

/** What the commands share that begin a run: which images and steps may be in it. */
export const guarding = <Args extends unknown[], Opts extends OptionValues>(command: Command<Args, Opts>) =>
  command
    .option('--production', 'only images of allowed registries, none that is only on this machine; only steps of ours and of the registry')
    .option('--box-registry <place>', 'where an image without a host is looked for first: HOST or HOST/PATH')
    .addOption(
      new Option(
        '--allow-registry <place>',
        'with --production, a registry whose images may be run (default: docker.io) (repeatable)',
      ).argParser(collect),
    )
    .option('--policy <file>', 'what these options leave open, and which images are private, as JSON');

/** What the commands share that carry a run. */
export const executing = <Args extends unknown[], Opts extends OptionValues>(command: Command<Args, Opts>) =>
  command
    .addOption(
      new Option('-e, --env <NAME=value>', 'give an outside variable; NAME alone takes it from the environment (repeatable)').argParser(
        collect,
      ),
    )
    .addOption(new Option('--env-file <file>', 'read outside variables from a file of NAME=value lines (repeatable)').argParser(collect))
    .addOption(identityOption())
    .addOption(jsonOption('print the events of the run as JSON lines'))
    .option('--plain', 'print plain lines, also on a terminal')
    .addOption(runtimeOption())
    .addOption(
      new Option('--concurrency <n>', 'how many stages may run at once (default: as many as there are processors, at least 4)').argParser(
        atLeastOne,
      ),
    )
    .addOption(new Option('--fail-fast', 'stop running stages at the first failure').conflicts('keepGoing'))
    .option('--keep-going', 'run all that does not need what failed')
    .addOption(
      new Option('--approve <gate>', 'approve this gate before it opens, in your name; "all" for all of them (repeatable)').argParser(
        collect,
      ),
    )
    .option('--record', 'record deployments also when files differ from the commit')
    .addOption(resultsOption())
    .addOption(resultsEndpointOption())
    .option('--events-url <url>', 'send the events to this server too, as JSON lines (token: CION_SINK_TOKEN or CION_SINK_TOKEN_FILE)')
    .option('--logs-url <url>', 'send the logs to this server too, as JSON lines')
    .addHelpText('after', environmentHelp)
    .option('--allow-privileged', 'let services run privileged that ask for it')
    .addOption(new Option('--allow-host-path <path>', 'let stages mount this path of the engine (repeatable)').argParser(collect));

const environmentHelp =
  '\nThe environment says what the command line leaves open: --fail-fast is CION_FAIL_FAST=1, --runtime is CION_RUNTIME. See docs/commands.md.\n';

export const pipelineOption = () => new Option('--pipeline <name>', 'this pipeline of a configuration that has several');
export const targetOption = () => new Option('--target <name>', 'this deploy target of the pipeline');
export const logOption = () =>
  new Option(
    '--log <where>',
    'for all stages: "live" is faster for hundreds of megabytes of log, but a stage has to run again should cion die; otherwise as the configuration says',
  ).choices(['kept', 'live'] as const);

export const resultsOption = () =>
  new Option(
    '--results <place>',
    'upload documents, logs and artifacts too: s3://bucket or s3://bucket/prefix, where {build} is BUILD_ID, else the run (or CION_RESULTS)',
  );
export const resultsEndpointOption = () =>
  new Option('--results-endpoint <url>', 'the address of an S3 server that is not AWS (or AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL)');

export const stepsRegistryOption = () =>
  new Option('--steps-registry <url>', 'the registry of steps that are not ours (or STEPS_REGISTRY)');
export const stepReference = 'name, owner/name@version, or in quotes: name "file://PATH", name "https://…/step.tgz"';
export const stepDirectory = 'the directory of a step: step.yml, run.sh and what belongs to it';

export const jsonOption = (text: string) => new Option('--json', text);
export const runtimeOption = () =>
  new Option('--runtime <name>', 'what runs the containers').choices(['docker', 'fake'] as const).default('docker' as const);

export const identityOption = () =>
  new Option('--identity <file>', 'the age key that reads encrypted values (default: CION_AGE_KEY, CION_AGE_KEY_FILE, your own)');

export const serverOption = () =>
  new Option('--server <url>', 'the address of the server (default: CION_SERVER, else that of the last login)');

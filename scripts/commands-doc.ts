import { writeFileSync } from 'node:fs';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { environmentName } from '../src/cli/environment-options.ts';
import { exitCodeMeanings } from '../src/cli/exit-codes.ts';
import { buildProgram } from '../src/cli/program.ts';

/** The text of docs/commands.md, made of the command definitions. */
export const commandsDoc = (): string => {
  const program = buildProgram({
    cwd: '/',
    env: {},
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    finish: () => undefined,
  });
  return [
    '# Commands',
    'Made of the command definitions by `node scripts/commands-doc.ts`; a test keeps it in step.',
    '## Exit codes',
    table(['code', 'meaning'], Object.entries(exitCodeMeanings)),
    '## For every command',
    optionsTable(program),
    ...below(program).flatMap((command) => section(command)),
    '## Options from the environment',
    'What the command line leaves open of a command that starts work, the variable beside the option says: that is how a unit of systemd or another' +
      ' system passes everything in. An option without a value takes `1` (or `true`, `yes`, `on`) and `0`; one that is repeatable several values, with commas or' +
      ' line ends between them; an empty variable says nothing. Where the command line contradicts, it counts. `contrib/systemd/cion-job@.service` is a' +
      ' template of a unit; its instance is the BUILD_ID.',
    '## Build directories',
    '`BUILD_DIR`, else `/tmp/build/$BUILD_ID`, is where `cion fetch HOST/OWNER/PROJECT` puts `source`, and where `cion build OWNER/PROJECT` finds it:' +
      ' `BUILD_ID=7 sh -c "cion fetch example.org/ada/engine && cion build ada/engine"`. No two builds can have one directory. It is removed after the' +
      ' build, passed or not. Its runs are kept below `CION_STATE_HOME` (default: `~/.local/state/cion`), in `HOST/OWNER/PROJECT`: `cion -C` that directory' +
      ' shows them, and deploys them. `contrib/bootstrap.sh` does all of it on a machine that has no cion, and checks the package that it takes by its checksum.',
    '## Images and steps',
    'Before anything starts, `cion run`, `build`, `deploy` and `dev` look for every image of the plan: on the engine, else at its registry. One that is' +
      ' nowhere ends the run (`IMAGE_NOT_FOUND`, `IMAGE_DENIED`); a registry that does not answer is a line in the log of `fetch`.',
    'With `--box-registry` an image that is named without a host (`acme/ruby`) is taken from there, if it is there. With `--production` images come from' +
      ' that registry and from the allowed ones, and steps from those that come with cion and from the registry of steps. What is only on this machine, and' +
      ' step code of directories and addresses of their own, is for local development.',
    'The file of `--policy` says the same for all who use a machine, and which images are private: they can be services of the named projects (by the' +
      ' name of the project, or as `HOST/OWNER/PROJECT`), and nothing else. Pulls use the login of the user who runs cion; nobody else needs one.',
    [
      '```json',
      '{',
      '  "production": true,',
      '  "boxRegistry": "registry.example.org",',
      '  "allowRegistries": ["docker.io"],',
      '  "privateServices": [{ "image": "registry.example.org/paid/search", "projects": ["github.com/acme/shop"] }]',
      '}',
      '```',
    ].join('\n'),
    '## Sinks',
    'With `--events-url` every event of a run, and with `--logs-url` every piece of a log, is sent to a server with POST requests of JSON lines as `--json`' +
      ' prints them; logs are without secrets, and those of sensitive stages are not sent. The header `Cion-Run` names the run and `Cion-Batch` counts the requests' +
      ' from 1: one that did not succeed is sent again with its number and the same lines, and none overtakes another. A server that is slow or away holds up' +
      ' nothing: it is told of once, up to 8 MB wait for it, what is beyond that is left out and counted (`{"kind":"dropped","lines":3}`), and the end of the run' +
      ' waits for at most 5 seconds. An answer of 4xx other than 408, 425 and 429 ends the sending. The token of `CION_SINK_TOKEN`, or of the file that' +
      ' `CION_SINK_TOKEN_FILE` names, is sent as `Authorization: Bearer`. Without these options nothing is sent anywhere.',
    '## Outside variables',
    'A pipeline may name variables that are given from outside. In order of precedence: `--env NAME=value`, `--env-file` (the last file wins),' +
      ' the environment of the `cion` process, the secrets of the project (see [secrets](secrets.md)). Only variables that the plan names reach a container. A missing one stops the run before any' +
      ' container starts; an empty one is a value.',
    'In a file each line is `NAME=value`, where `export` may stand before the name and quotes around the value, which may then have several lines;' +
      ' or `NAME` alone, which takes it from the environment; or a comment that begins with `#`. Any other line is refused.',
    '## Gates',
    'A run that reaches a gate for a person waits, and holds no container for what is behind it. On a terminal the live picture asks, and a key' +
      ' answers: `a` approves, `r` rejects, `n` shows the next gate when several wait. From anywhere else `cion approve` and `cion reject` answer, also' +
      ' while no process carries the run: the decision is kept and `cion resume` goes on with it. The first decision counts, and who decided and when' +
      ' is recorded. A gate that is rejected, or not decided in time, has failed: what needs it is skipped and the run ends as failed, exit code 1.',
    'Names are taken on trust: on one machine nothing proves that `--by` is who decides. `who` of a gate keeps people from mistakes, not from lying. A server knows who asks: there `who` are accounts, and nobody decides in their place.',
    'A gate for a pipeline is decided by the runs of another project of this machine: its path relative to the root of this one, or the name of a' +
      ' directory beside it. It is approved when a run of the whole pipeline there passes after this run was created.',
    '## Environment',
    table(
      ['variable', 'meaning'],
      [
        ['`DOCKER_HOST`', 'the engine to use: `unix://`, `tcp://` (with `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH`) or `ssh://`'],
        ['`CION_RESULTS`', 'where results are copied to, as `--results`'],
        ['`AWS_…`', 'which S3 server and whose credentials: see [results](results.md)'],
        ['`BUILD_ID`, `BUILD_DIR`', 'see [build directories](#build-directories)'],
        ['`CION_STATE_HOME`', 'where the runs of fetched projects are kept'],
        ['`CION_SINK_TOKEN`, `CION_SINK_TOKEN_FILE`', 'the token for [sinks](#sinks), itself or in a file; no stage is given it'],
        ['`CION_SERVER`, `CION_TOKEN`', 'the server, and the token for it, in place of a login; see [logging in](server-login.md)'],
        ['`NO_COLOR`', 'no colours'],
        ['`CION_AGE_KEY`', 'the age key that reads encrypted values, itself; no stage is given it'],
        ['`CION_AGE_KEY_FILE`', 'the file with that key'],
        ['`CION_WORKER_TOKEN`', 'the token of `cion work`, itself; no stage is given it'],
        ['`STEPS_REGISTRY`, `STEPS_REGISTRY_TOKEN`', 'the registry of steps, and who asks; see [steps](steps.md)'],
        ['`VISUAL`, `EDITOR`', 'the editor of `cion secret edit`'],
        [
          '`CION_NAMESPACE`',
          'stands before the names of all containers, networks and volumes (`cion`); those of another namespace are never touched. A worker takes all that has its own for its own: give no two of them, and nothing else, the same',
        ],
        ['`CION_DEBUG`', 'any value: the stack of unexpected errors'],
      ],
    ),
    '',
  ].join('\n\n');
};

const below = (command: CommandUnknownOpts): readonly CommandUnknownOpts[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .filter((inner) => inner.name() !== 'help');

const section = (command: CommandUnknownOpts, parent = 'cion'): readonly string[] => {
  const help = command.createHelp();
  const name = `${parent} ${command.name()}`;
  return [
    `## ${name}`,
    (command.description() === '' ? `${capitalised(command.summary())}.` : command.description()).replaceAll('\n', ' '),
    `\`\`\`\n${help.commandUsage(command)}\n\`\`\``,
    table(
      ['argument', 'meaning'],
      help.visibleArguments(command).map((argument) => [`\`${argument.name()}\``, help.argumentDescription(argument)]),
    ),
    optionsTable(command),
    ...below(command).flatMap((inner) => section(inner, name)),
  ].filter((text) => text !== '');
};

const optionsTable = (command: CommandUnknownOpts): string => {
  const help = command.createHelp();
  const options = help.visibleOptions(command).filter((option) => option.long !== '--help');
  const hasEnvironment = options.some((option) => environmentName(option, command) !== undefined);
  return table(
    ['option', 'meaning', ...(hasEnvironment ? ['variable'] : [])],
    options.map((option) => [
      `\`${option.flags}\``,
      help.optionDescription(option),
      ...(hasEnvironment ? [inCode(environmentName(option, command))] : []),
    ]),
  );
};

const inCode = (name: string | undefined): string => (name === undefined ? '' : `\`${name}\``);

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  rows.length === 0 ? '' : [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

if (process.argv[1] === import.meta.filename) writeFileSync(new URL('../docs/commands.md', import.meta.url), commandsDoc());

import { type Command, type CommandOptions, Option } from '@commander-js/extra-typings';
import type { Context } from './context.ts';
import type { CommandExit, ExitCode } from './exit-codes.ts';
import { atLeastOne, collect, labels, wholeNumber } from './option-values.ts';
import { guarding, resultsEndpointOption, resultsOption, runtimeOption, serverOption, stepsRegistryOption } from './program-options.ts';

export type CommandMaker = {
  readonly command: (name: string, summary: string, how?: CommandOptions) => Command;
  readonly context: () => Context;
  readonly finish: (code: ExitCode | CommandExit) => void;
};

const joinOption = <Forge extends string>(forge: Forge, title: string) =>
  new Option(`--${forge}-join <who>`, `who gets an account by logging in with ${title}`)
    .choices(['known', 'everybody'] as const)
    .default('known' as const);

/** The commands of servers and workers, and of logins at them. */
export const serverCommands = ({ command, context, finish }: CommandMaker): void => {
  guarding(
    command('serve', 'run a server: webhooks in, runs through one queue, a worker inside')
      .description(
        'Serves on this machine until it is stopped. What its worker runs at that moment goes on, and is taken up by the next start.\n' +
          'Without options: a database of its own, results on the disk, a worker inside.',
      )
      .option('--data <dir>', 'where it keeps what it has (default: server in the state directory of cion)')
      .option('--listen <address>', 'HOST:PORT to listen at', '127.0.0.1:8420')
      .option('--url <url>', 'its address as browsers and forges reach it (default: that of --listen)')
      .option('--database <url>', 'a Postgres: postgres://user:password@host/name (better in CION_DATABASE)')
      .option(
        '--key-file <file>',
        'the keys that it encrypts secrets with, the newest first, 32 bytes in base64 a line (or CION_SERVER_KEY)',
      )
      .addOption(
        new Option('--slots <n>', 'how many stages its own worker runs at once; 0: no worker inside').argParser(wholeNumber).default(4),
      )
      .addOption(new Option('--label <label>', 'a label of its own worker (repeatable)').argParser(labels))
      .addOption(resultsOption())
      .addOption(resultsEndpointOption())
      .addOption(
        new Option('--presign <who>', 'who has bytes straight from and to S3, by signed addresses, instead of through the server')
          .choices(['none', 'users', 'workers', 'all'] as const)
          .default('none' as const),
      )
      .option('--presign-endpoint <url>', 'the address of the S3 server as these reach it (default: that of --results-endpoint)')
      .addOption(new Option('--presign-minutes <n>', 'for how long such an address is good').argParser(atLeastOne).default(5))
      .addOption(stepsRegistryOption())
      .option('--known-hosts <file>', 'the ssh hosts that repositories are fetched from')
      .option('--allow-files', 'fetch from repositories on this machine, too: file://')
      .option('--github-url <url>', 'GitHub, or one of your own', 'https://github.com')
      .option('--github-api <url>', 'its API', 'https://api.github.com')
      .option('--github-private', 'ask who logs in with GitHub for their private repositories, too: its scope repo, which may also write')
      .addOption(joinOption('github', 'GitHub'))
      .option('--gitlab-api <url>', 'the API of a GitLab: https://gitlab.com/api/v4')
      .addOption(joinOption('gitlab', 'GitLab'))
      .option('--gitea-api <url>', 'the API of a Gitea or Forgejo: https://gitea.example/api/v1')
      .addOption(joinOption('gitea', 'Gitea'))
      .addOption(
        new Option(
          '--allow-address <address>',
          'an address, network or name that users may have called besides the public internet (repeatable)',
        ).argParser(collect),
      )
      .addOption(
        new Option(
          '--proxy <address>',
          'a proxy in front of it, an address or a network, whose word counts for where requests come from (repeatable)',
        ).argParser(collect),
      )
      .option('--insecure-http', 'listen on the network without TLS, where everybody on the way can read passwords and tokens')
      .addOption(new Option('--keep-runs <n>', 'how many finished runs of each project are kept').argParser(wholeNumber).default(500))
      .addOption(new Option('--keep-days <n>', 'for how many days').argParser(atLeastOne).default(90))
      .addOption(new Option('--keep-caches <n>', 'for how many days caches are kept that no run saves').argParser(atLeastOne).default(30))
      .addOption(new Option('--keep-audit <n>', 'for how many days it is kept who did what').argParser(atLeastOne).default(365))
      .addOption(
        new Option('--approve-within <n>', 'for how many days a run of a fork waits for its approval').argParser(atLeastOne).default(5),
      )
      .option('--mail-from <address>', 'the sender of mails; their server is in CION_SMTP_URL')
      .option('--registry <host>', 'a registry that takes tokens of this server: HOST or HOST/PREFIX; what jobs commit is pushed there')
      .option('--registry-key <file>', 'the key and certificate that its tokens are signed with; see docs/registry.md')
      .option('--metrics <address>', 'HOST:PORT at which Prometheus reads; where others reach it, with CION_METRICS_TOKEN')
      .addOption(runtimeOption())
      .option('--allow-privileged', 'let services run privileged that ask for it')
      .addOption(new Option('--allow-host-path <path>', 'let stages mount this path of the engine (repeatable)').argParser(collect)),
  ).action(async (options) => finish(await (await import('./commands/serve.ts')).serve(context(), options)));

  const placed = (name: string, summary: string) =>
    command(name, summary)
      .option('--data <dir>', 'where the server keeps what it has (default: server in the state directory of cion)')
      .option('--database <url>', 'its Postgres: postgres://user:password@host/name (better in CION_DATABASE)')
      .option('--key-file <file>', 'its keys, the newest first (or CION_SERVER_KEY; default: server.key in its directory)');

  placed('backup', 'write all that a server has into one file')
    .description(
      'Writes the database of a server as it is at one moment, its results, outputs and trees into a tar, sealed with the key of the server, which is not in it.\n' +
        'With --database the server may go on; the embedded database is open in one process only: stop the server first. What is in S3 stays there.',
    )
    .requiredOption('--to <file>', 'the file; one that is there is replaced when the new one is whole')
    .option('--no-results', 'the database alone')
    .action(async (options) => finish(await (await import('./commands/backup.ts')).backup(context(), options)));

  placed('restore', 'make a server of a backup')
    .description(
      'Takes up a backup in an empty place, with the key that its server had. One that was changed or breaks off is refused, and nothing is overwritten.\n' +
        'Kinds of databases may differ: what was embedded can go on in a Postgres, and the other way round.',
    )
    .requiredOption('--from <file>', 'the file')
    .action(async (options) => finish(await (await import('./commands/restore.ts')).restore(context(), options)));

  command('work', 'run what a server gives, on the container engine of this machine')
    .description(
      'Works for a server of cion until it is told to end (SIGTERM, Ctrl-C): then it takes nothing new, and ends when what runs has ended. Told again, it ends' +
        ' at once, and what runs goes on; the next worker of this name takes it up.\nThe token is in CION_WORKER_TOKEN or in a file; no stage is given it.',
    )
    .option('--server <url>', 'the address of the server')
    .option('--token-file <file>', 'the file that holds the token')
    .option('--name <name>', 'what the worker is called, its own on the server (default: the name of this machine)')
    .addOption(new Option('--label <label>', 'what stages may ask a worker for (repeatable)').argParser(labels))
    .addOption(
      new Option('--slots <n>', 'how many stages may run at once (default: as many as there are processors, at least 4)').argParser(
        atLeastOne,
      ),
    )
    .option('--insecure-http', 'reach the server over a network without TLS, where everybody on the way can read the token and all secrets')
    .option('--state-dir <dir>', 'where it keeps what a restart needs (default: workers/NAME below CION_STATE_HOME)')
    .addOption(runtimeOption())
    .option('--allow-privileged', 'let services run privileged that ask for it')
    .addOption(new Option('--allow-host-path <path>', 'let stages mount this path of the engine (repeatable)').argParser(collect))
    .action(async (options) => finish(await (await import('./commands/work.ts')).work(context(), options)));

  command('trigger', 'tell a cion server of commits, from a hook of a git repository')
    .description(
      'Tells a cion server which branches and tags of a repository have new commits: in its post-receive hook, which gets them on stdin, or by hand.\n' +
        'It is signed with the secret of the project, from CION_HOOK_SECRET or the file that CION_HOOK_SECRET_FILE names. See docs/webhooks.md.',
    )
    .argument('<url>', 'https://HOST/hooks/git/OWNER/NAME')
    .option('--ref <ref>', 'this ref, e.g. refs/heads/main, instead of those on stdin')
    .option('--commit <hash>', 'with --ref: its newest commit, the whole hash')
    .option('--untold', 'only what could not be told before')
    .option('--by <name>', 'who pushed (default: who the git server says); shown, and not proven')
    .action(async (url, options) => finish(await (await import('./commands/trigger.ts')).trigger(context(), url, options)));

  command('login', 'log in at a server, and keep a token for it')
    .description(
      'Asks for a name and a password, or for a token that was made before, and keeps a token for this user alone. Where stdin is no terminal, the\n' +
        'token is read from it. At a server that has no account yet it makes the first, an admin: it asks for the setup token, a name and a password;\n' +
        'with --setup where stdin is no terminal, these are its three lines.',
    )
    .addOption(serverOption())
    .option('--token', 'ask for a token only')
    .option('--setup', 'make the first account of the server')
    .option('--insecure-http', 'send it over a network without TLS, where everybody on the way can read it')
    .option('--admin', 'have the right of an admin, too, where one is: to add projects, and to make tokens of workers')
    .action(async (options) => finish(await (await import('./commands/login.ts')).login(context(), options)));

  command('logout', 'forget the token of a server')
    .addOption(serverOption())
    .action(async (options) => finish(await (await import('./commands/login.ts')).logout(context(), options)));
};

import { type Command, Option } from '@commander-js/extra-typings';
import { collect } from './option-values.ts';
import { detachOption, jsonOption, onServer, remotely, runArgument, someServerOption } from './program-options.ts';
import type { CommandMaker } from './server-commands.ts';

/** The commands about runs and environments of a server. */
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

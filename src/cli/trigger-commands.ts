import { Argument, Option } from '@commander-js/extra-typings';
import { branchName, collect, fullRef, wordsOf } from './option-values.ts';
import { jsonOption, onServer } from './program-options.ts';
import type { CommandMaker } from './server-commands.ts';

const outcomes = ['passed', 'failed', 'errored', 'cancelled', 'skipped'] as const;

/** What begins runs of a project of a server: what hooks told, the clock, other pipelines; and who is told of them. */
export const triggerAndSubscriptionCommands = ({ command, context, finish }: CommandMaker): void => {
  onServer(
    command('deliveries', 'list what hooks told a server of a project, and what became of it')
      .argument('[project]', 'OWNER/NAME, as --on')
      .addOption(jsonOption('print JSON lines')),
  ).action(async (project, options) => finish(await (await import('./commands/deliveries.ts')).deliveryList(context(), project, options)));

  const schedules = command('schedules', 'list, add, pause and remove what begins runs of a project by the clock');
  onServer(
    schedules.command('list', { isDefault: true }).summary('list them, with their next time').addOption(jsonOption('print JSON lines')),
  ).action(async (options) => finish(await (await import('./commands/schedules.ts')).scheduleList(context(), options)));
  onServer(
    schedules
      .command('add')
      .summary('begin runs by the clock, or when a package has another version')
      .argument('<cron>', 'in quotes: minute, hour, day, month, weekday; or a word as @daily')
      .option('--time-zone <zone>', 'whose clock: Europe/Paris', 'UTC')
      .addOption(new Option('--ref <ref>', 'a branch, or refs/tags/V1 (default: the default branch)').argParser(fullRef))
      .option('--pipeline <name>', 'this pipeline of a configuration that has several')
      .option('--target <name>', 'only this stage or deploy target, and what it needs')
      .option('--package <name>', 'only when this package of a registry of npm has another version than before')
      .option('--registry <url>', 'the registry of the package (default: https://registry.npmjs.org/)')
      .option('--tag <tag>', 'which version of it (default: latest)')
      .option('--token', 'the registry wants a token: read from stdin or typed unseen'),
  ).action(async (cron, options) => finish(await (await import('./commands/schedules.ts')).scheduleAdd(context(), cron, options)));
  onServer(schedules.command('remove').summary('remove one').argument('<id>', 'as "cion schedules" lists it, or its beginning')).action(
    async (id, options) => finish(await (await import('./commands/schedules.ts')).scheduleRemove(context(), id, options)),
  );

  onServer(
    schedules
      .command('pause')
      .summary('have one begin nothing until it is resumed')
      .argument('<id>', 'as "cion schedules" lists it, or its beginning'),
  ).action(async (id, options) => finish(await (await import('./commands/schedules.ts')).schedulePause(context(), id, options)));
  onServer(
    schedules
      .command('resume')
      .summary('have one that is paused go on at its next time; what it missed is not begun')
      .argument('<id>', 'as "cion schedules" lists it, or its beginning'),
  ).action(async (id, options) => finish(await (await import('./commands/schedules.ts')).scheduleResume(context(), id, options)));

  const upstreams = command('upstreams', 'list, add and remove the pipelines after whose green runs a project is run');
  onServer(upstreams.command('list', { isDefault: true }).summary('list them').addOption(jsonOption('print JSON lines'))).action(
    async (options) => finish(await (await import('./commands/upstreams.ts')).upstreamList(context(), options)),
  );
  onServer(
    upstreams
      .command('add')
      .summary('begin a run when a pipeline of another project turns green')
      .argument('<project>', 'the other one, OWNER/NAME, as "cion projects" lists it')
      .option('--after-pipeline <name>', 'only after this pipeline of it')
      .addOption(new Option('--after-branch <name>', 'only after runs of this branch of it').argParser(branchName))
      .addOption(new Option('--ref <ref>', 'a branch, or refs/tags/V1 (default: the default branch)').argParser(fullRef))
      .option('--pipeline <name>', 'this pipeline of a configuration that has several')
      .option('--target <name>', 'only this stage or deploy target, and what it needs'),
  ).action(async (project, options) => finish(await (await import('./commands/upstreams.ts')).upstreamAdd(context(), project, options)));
  onServer(upstreams.command('remove').summary('remove one').argument('<id>', 'as "cion upstreams" lists it, or its beginning')).action(
    async (id, options) => finish(await (await import('./commands/upstreams.ts')).upstreamRemove(context(), id, options)),
  );

  const subscriptions = command('subscriptions', 'list, add, test and remove who is told of the results of a project');
  onServer(subscriptions.command('list', { isDefault: true }).summary('list them').addOption(jsonOption('print JSON lines'))).action(
    async (options) => finish(await (await import('./commands/subscriptions.ts')).subscriptionList(context(), options)),
  );
  onServer(
    subscriptions
      .command('add')
      .summary('have somebody told: a program by signed HTTP, people by mail or in Slack')
      .addArgument(new Argument('<way>', 'how').choices(['http', 'slack', 'mail'] as const))
      .argument('[addresses...]', 'of mail; that of http and slack is read from stdin or typed unseen')
      .addOption(
        new Option('--outcome <outcomes>', `only these: ${outcomes.join(', ')}; with commas, or repeated`).argParser(wordsOf(outcomes)),
      )
      .addOption(
        new Option('--branch <name>', 'only runs of this branch (repeatable)').argParser(
          (value: string, earlier: readonly string[] | undefined) => collect(branchName(value), earlier),
        ),
      )
      .addOption(new Option('--environment <name>', 'only runs that deploy to it (repeatable)').argParser(collect))
      .option('--no-results', 'no results, only gates and runs of forks that wait for people')
      .option('--no-gates', 'no gates and runs of forks that wait for people, results alone'),
  ).action(async (way, addresses, options) =>
    finish(await (await import('./commands/subscriptions.ts')).subscriptionAdd(context(), way, addresses, options)),
  );
  onServer(
    subscriptions
      .command('letters')
      .summary('show what was sent, what waits and why')
      .argument('<id>', 'as "cion subscriptions" lists it, or its beginning')
      .addOption(jsonOption('print JSON lines')),
  ).action(async (id, options) => finish(await (await import('./commands/subscriptions.ts')).subscriptionLetters(context(), id, options)));
  onServer(
    subscriptions
      .command('test')
      .summary('send one real message that says that it is a test, and say what came of it')
      .argument('<id>', 'as "cion subscriptions" lists it, or its beginning')
      .addOption(jsonOption('print the letter as JSON')),
  ).action(async (id, options) => finish(await (await import('./commands/subscriptions.ts')).subscriptionTest(context(), id, options)));
  onServer(
    subscriptions.command('remove').summary('remove one').argument('<id>', 'as "cion subscriptions" lists it, or its beginning'),
  ).action(async (id, options) => finish(await (await import('./commands/subscriptions.ts')).subscriptionRemove(context(), id, options)));
};

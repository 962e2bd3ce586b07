import type { LetterRow, SubscriptionJson, SubscriptionRow } from '../../api/notifications.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { findListed, shortId } from '../find-listed.ts';
import { looks } from '../looks.ts';
import { table } from '../printers/table.ts';
import { visible } from '../printers/visible.ts';
import { dateTime } from '../printers/words.ts';
import { readSecret } from '../read-secret.ts';
import { Refusal } from '../refusal.ts';
import { openRemoteProject, type RemoteOptions } from '../remote/open-remote.ts';
import { write, writeLines } from '../write.ts';

type Json = { readonly json?: true };
type Way = SubscriptionJson['target']['way'];
const known = { what: 'subscription', lister: 'cion subscriptions' };

/** Who is told of a project's results; addresses are not shown again. */
export const subscriptionList = async (context: Context, { json, ...options }: RemoteOptions & Json): Promise<ExitCode> => {
  const { api, project } = await openRemoteProject(context, options);
  const subscriptions = await api.subscriptions(project);
  const look = looks(context);
  const rows = subscriptions.map((one) => [
    shortId(one.id),
    one.way,
    visible(one.place),
    visible(toldOf(one)),
    visible(one.by),
    dateTime(one.createdAt, look.timeZone),
  ]);
  const columns = [
    { title: 'Subscription' },
    { title: 'Way' },
    { title: 'To', min: 8 },
    { title: 'Told of', min: 12, wide: 'wrap' as const },
    { title: 'By' },
    { title: 'When' },
  ];
  const lines = subscriptions.length === 0 ? [`Nobody is told of ${visible(project)}.`] : table(columns, rows, look);
  await writeLines(context.stdout, json ? subscriptions.map((one) => JSON.stringify(one)) : lines);
  return exitCodes.passed;
};

export type SubscriptionAddOptions = RemoteOptions & {
  readonly outcome?: NonNullable<SubscriptionJson['wants']>['outcomes'];
  readonly branch?: readonly string[];
  readonly environment?: readonly string[];
  readonly results: boolean;
  readonly gates: boolean;
};

/**
 * Has somebody told. The address of `http` and `slack` may be all that one needs to write there: it comes from stdin or is typed unseen. What `http` is
 * signed with is shown this once, alone on stdout.
 */
export const subscriptionAdd = async (
  context: Context,
  way: Way,
  addresses: readonly string[],
  { outcome = [], branch = [], environment = [], results, gates, ...options }: SubscriptionAddOptions,
): Promise<ExitCode> => {
  if (!results && !gates) throw new Refusal('USAGE', 'With --no-results and --no-gates nothing is told.', 'Leave one of them out.');
  checkAddresses(way, addresses);
  const { api, project } = await openRemoteProject(context, options);
  const target: SubscriptionJson['target'] =
    way === 'mail' ? { way, to: [...addresses] } : { way, url: (await readSecret(context, `Address of ${way}: `)).trim() };
  const { id, secret } = await api.addSubscription(project, {
    target,
    wants: { outcomes: outcome, branches: branch, environments: environment, results, gates },
  });
  const added = `${visible(project)} has the subscription ${shortId(id)} (${way}) now.`;
  if (secret === undefined) {
    await writeLines(context.stdout, [added]);
    return exitCodes.passed;
  }
  context.stderr.write(`${added} What is sent is signed with this; it is not shown again. See docs/notifications.md:\n`);
  await writeLines(context.stdout, [secret]);
  return exitCodes.passed;
};

export const subscriptionRemove = async (context: Context, named: string, options: RemoteOptions): Promise<ExitCode> => {
  const { api, project } = await openRemoteProject(context, options);
  const { id, way, place } = findListed(await api.subscriptions(project), named, known);
  await api.removeSubscription(project, id);
  await write(context.stdout, `${visible(project)} has the subscription ${shortId(id)} (${way}, ${visible(place)}) no more.\n`);
  return exitCodes.passed;
};

/** What was sent, what waits, and why. */
export const subscriptionLetters = async (
  context: Context,
  named: string,
  { json, ...options }: RemoteOptions & Json,
): Promise<ExitCode> => {
  const { api, project } = await openRemoteProject(context, options);
  const { id } = findListed(await api.subscriptions(project), named, known);
  const letters = await api.letters(project, id);
  const look = looks(context);
  const rows = letters.map(({ event, state, attempts, tryAt, note = '' }) => [
    ...ofEvent(event),
    state,
    String(attempts),
    dateTime(tryAt, look.timeZone),
    visible(note),
  ]);
  const columns = [
    { title: 'Event' },
    { title: 'Run', min: 12 },
    { title: 'State' },
    { title: 'Tries', align: 'right' as const },
    { title: 'Last or next' },
    { title: 'Note', min: 12, wide: 'wrap' as const },
  ];
  const lines = letters.length === 0 ? [`Nothing was sent by ${shortId(id)} yet.`] : table(columns, rows, look);
  await writeLines(context.stdout, json ? letters.map((one) => JSON.stringify(one)) : lines);
  return exitCodes.passed;
};

/** Sends one real letter that says that it is a test, and says what came of its first try. It is tried again like all others. */
export const subscriptionTest = async (context: Context, named: string, { json, ...options }: RemoteOptions & Json): Promise<ExitCode> => {
  const { api, project, clock } = await openRemoteProject(context, options);
  const { id, way, place } = findListed(await api.subscriptions(project), named, known);
  const { id: made } = await api.testSubscription(project, id);
  const letter = await triedLetter(async () => (await api.letters(project, id)).find((one) => one.id === made), clock);
  if (json) await writeLines(context.stdout, letter === undefined ? [] : [JSON.stringify(letter)]);
  else await write(context.stdout, `${cameOf(letter, { id, to: `${way}, ${visible(place)}`, timeZone: looks(context).timeZone })}\n`);
  return letter?.state === 'sent' ? exitCodes.passed : exitCodes.failed;
};

const lookEveryMs = 250;
/** A receiver has 15 s for its answer, and others may be before it. */
const patienceMs = 45_000;

/** As soon as somebody has tried to send it; else as it is when patience ends. */
const triedLetter = async (look: () => Promise<LetterRow | undefined>, clock: Clock): Promise<LetterRow | undefined> => {
  const until = clock.now() + patienceMs;
  for (;;) {
    const letter = await look();
    if (letter === undefined || letter.state !== 'waiting' || letter.note !== undefined || clock.now() >= until) return letter;
    await new Promise<void>((resolve) => void clock.after(lookEveryMs, resolve));
  }
};

const cameOf = (
  letter: LetterRow | undefined,
  { id, to, timeZone }: { readonly id: string; readonly to: string; readonly timeZone: string | undefined },
): string => {
  const later = `See "cion subscriptions letters ${shortId(id)}".`;
  if (letter?.state === 'sent') return `The test of ${shortId(id)} (${to}) was delivered.`;
  if (letter?.note === undefined) return `The test of ${shortId(id)} (${to}) waits to be sent. ${later}`;
  const again = letter.state === 'waiting' ? ` It is tried again at ${dateTime(letter.tryAt, timeZone)}.` : '';
  return `The test of ${shortId(id)} (${to}) was not delivered: ${visible(letter.note)}${again} ${later}`;
};

/** `<run>/finished/…`, `<run>/gate/…`, `<run>/approval/…`, or `test/…`, which is of no run. */
const ofEvent = (event: string): readonly [string, string] => {
  const [run = '', kind = ''] = event.split('/');
  return run === 'test' ? [run, ''] : [visible(kind), visible(run)];
};

const checkAddresses = (way: Way, addresses: readonly string[]): void => {
  if (way === 'mail' && addresses.length === 0)
    throw new Refusal('USAGE', 'To whom?', 'Write "cion subscriptions add mail ada@example.org".');
  if (way !== 'mail' && addresses.length > 0) {
    throw new Refusal(
      'USAGE',
      `The address of ${way} is no argument, for it may be a secret and others can see arguments.`,
      `It is read from stdin, or typed unseen: cion subscriptions add ${way} < FILE.`,
    );
  }
};

const toldOf = ({ wants }: SubscriptionRow): string =>
  [
    ...(wants.results ? [wants.outcomes.length === 0 ? 'all results' : wants.outcomes.join(', ')] : []),
    ...(wants.gates ? ['gates'] : []),
    ...(wants.branches.length === 0 ? [] : [`of ${wants.branches.join(', ')}`]),
    ...(wants.environments.length === 0 ? [] : [`deploying to ${wants.environments.join(', ')}`]),
  ].join(', ');

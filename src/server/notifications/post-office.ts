import type { Clock } from '../../lib/clock.ts';
import { pauses } from '../../lib/pauses.ts';
import type { Sealer } from '../../secrets/sealer.ts';
import type { Letter, Outbox } from '../../store/notifications.ts';
import { reasonOf } from '../reason-of.ts';
import type { Deliver } from './deliver.ts';
import { openTarget } from './target.ts';
import type { Told } from './told.ts';

/**
 * Sends what is in the outbox: each subscription's letters in their order, and no subscription waits for another. What is not taken is tried again, less and less
 * often, for a day; then it is given up with a note. One that was taken while we died is sent again, under the same id.
 */
export type PostOffice = {
  /** Until the signal aborts. What is on its way is dropped then: the try counts, and the next server sends it. */
  start(signal: AbortSignal): Promise<void>;
  /** There are new letters. */
  wake(): void;
};

export type PostOfficeDeps = {
  readonly outbox: Outbox;
  readonly deliver: Deliver;
  readonly sealer: Pick<Sealer, 'open'>;
  readonly clock: Clock;
  /** Something in the background went wrong and is tried again. */
  failed(error: unknown): void;
};

const atOnce = 100;
/** What was read is told no later than so many letters after. */
const inARow = 5;
/** Subscriptions. */
const onTheirWay = 100;
const storeRetryMs = 30_000;
const longestSleepMs = 60_000;
const firstRetryMs = 30_000;
const longestRetryMs = 3_600_000;
const dayMs = 86_400_000;
const keptMs = 30 * dayMs;

export const postOffice = (deps: PostOfficeDeps): PostOffice => {
  const { outbox, clock, failed } = deps;
  const { wait, wake } = pauses(clock);

  const sendLetters = async (letters: readonly Letter[], signal: AbortSignal): Promise<void> => {
    try {
      await sendInOrder(deps, letters, signal);
    } catch (error) {
      failed(error);
      await pauses(clock).wait(storeRetryMs, signal);
    }
  };

  /** Resolves with how long there is nothing to begin, unless one of the busy has ended. */
  const beginAllDue = async (busy: Map<string, Promise<void>>, signal: AbortSignal): Promise<number> => {
    while (!signal.aborted && busy.size < onTheirWay) {
      const due = await outbox.due(clock.now(), atOnce, [...busy.keys()]);
      if (due.length === 0) break;
      for (const [id, letters] of [...Map.groupBy(due, ({ subscription }) => subscription.id)].slice(0, onTheirWay - busy.size)) {
        const sent = sendLetters(letters, signal).finally(() => {
          busy.delete(id);
          wake();
        });
        busy.set(id, sent);
      }
    }
    if (busy.size >= onTheirWay) return longestSleepMs;
    await outbox.clear(clock.now() - keptMs);
    const [next] = await outbox.due(Number.MAX_SAFE_INTEGER, 1, [...busy.keys()]);
    return next === undefined ? longestSleepMs : Math.min(next.tryAt - clock.now(), longestSleepMs);
  };

  return {
    wake,
    start: async (signal) => {
      const busy = new Map<string, Promise<void>>();
      while (!signal.aborted) {
        const ms = await beginAllDue(busy, signal).catch((error: unknown) => {
          failed(error);
          return storeRetryMs;
        });
        await wait(ms, signal);
      }
      await Promise.all(busy.values());
    },
  };
};

/** Those behind one that is not taken wait with it. */
const sendInOrder = async (
  { outbox, deliver, sealer, clock }: PostOfficeDeps,
  letters: readonly Letter[],
  signal: AbortSignal,
): Promise<void> => {
  let held: number | undefined;
  for (const [place, letter] of letters.entries()) {
    if (held !== undefined) {
      await outbox.move(letter.id, { ...progressOf(letter), tryAt: held });
      continue;
    }
    if (place >= inARow || signal.aborted) return;
    const attempts = letter.attempts + 1;
    // Told before it is done: a server that was replaced is refused here, and sends nothing.
    await outbox.move(letter.id, { ...progressOf(letter), tryAt: letter.tryAt, attempts });
    try {
      await deliver({ id: letter.id, told: letter.body as Told }, openTarget(sealer, letter.subscription), signal);
      await outbox.move(letter.id, { state: 'sent', tryAt: clock.now(), attempts });
    } catch (error) {
      const now = clock.now();
      if (isOfStore(error)) throw error;
      if (signal.aborted) return;
      const isOver = now - letter.createdAt >= dayMs;
      const note = `${isOver ? 'Given up after a day: ' : ''}${reasonOf(error)}.`;
      const tryAt = now + Math.min(firstRetryMs * 2 ** letter.attempts, longestRetryMs);
      await outbox.move(
        letter.id,
        isOver ? { state: 'given-up', tryAt: now, attempts, note } : { state: 'waiting', tryAt, attempts, note },
      );
      held = isOver ? undefined : tryAt;
    }
  }
};

const progressOf = ({ state, attempts, note }: Letter) => ({ state, attempts, ...(note === undefined ? {} : { note }) });

const isOfStore = (error: unknown): boolean => error instanceof Error && error.name === 'StoreError';

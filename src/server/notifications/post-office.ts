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
const sweepMs = 3_600_000;

export const postOffice = (deps: PostOfficeDeps): PostOffice => {
  const { outbox, clock, failed } = deps;
  const { wait, wake } = pauses(clock);
  let sweptAt = Number.NEGATIVE_INFINITY;

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
    await sweep();
    const [next] = await outbox.due(Number.MAX_SAFE_INTEGER, 1, [...busy.keys()]);
    return next === undefined ? longestSleepMs : Math.min(next.tryAt - clock.now(), longestSleepMs);
  };

  const sweep = async (): Promise<void> => {
    const now = clock.now();
    if (now - sweptAt < sweepMs) return;
    await outbox.clear(now - keptMs);
    sweptAt = now;
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
  for (const letter of letters.slice(0, inARow)) {
    if (signal.aborted) return;
    const { id, subscription, tryAt, note } = letter;
    const attempts = letter.attempts + 1;
    // Told before it is done: a server that was replaced is refused here, and sends nothing.
    await outbox.move(id, { state: 'waiting', tryAt, attempts, ...(note === undefined ? {} : { note }) });
    try {
      await deliver({ id, told: letter.body as Told }, openTarget(sealer, subscription), signal);
    } catch (error) {
      if (signal.aborted) return;
      const now = clock.now();
      if (now - letter.createdAt >= dayMs) {
        await outbox.move(id, { state: 'given-up', tryAt: now, attempts, note: `Given up after a day: ${reasonOf(error)}.` });
        continue;
      }
      const again = now + Math.min(firstRetryMs * 2 ** letter.attempts, longestRetryMs);
      await outbox.hold(subscription.id, again);
      await outbox.move(id, { state: 'waiting', tryAt: again, attempts, note: `${reasonOf(error)}.` });
      return;
    }
    await outbox.move(id, { state: 'sent', tryAt: clock.now(), attempts });
  }
};

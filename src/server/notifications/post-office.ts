import type { Clock } from '../../lib/clock.ts';
import { pauses } from '../../lib/pauses.ts';
import type { Sealer } from '../../secrets/sealer.ts';
import type { Letter, Outbox } from '../../store/notifications.ts';
import { reasonOf } from '../reason-of.ts';
import type { Deliver } from './deliver.ts';
import { openTarget } from './target.ts';
import type { Told } from './told.ts';

/**
 * Sends what is in the outbox, each subscription's letters in their order. What is not taken is tried again, less and less often, for a day; then it is given
 * up with a note. One that was taken while we died is sent again, under the same id.
 */
export type PostOffice = {
  /** Until the signal aborts. */
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
/** A subscriber who is slow holds up the others for so many letters. */
const inARow = 5;
const storeRetryMs = 30_000;
const longestSleepMs = 60_000;
const firstRetryMs = 30_000;
const longestRetryMs = 3_600_000;
const dayMs = 86_400_000;
const keptMs = 30 * dayMs;

export const postOffice = (deps: PostOfficeDeps): PostOffice => {
  const { outbox, clock, failed } = deps;
  const { wait, wake } = pauses(clock);

  /** Resolves with how long there is nothing to do. */
  const sendAllDue = async (signal: AbortSignal): Promise<number> => {
    while (!signal.aborted) {
      const due = await outbox.due(clock.now(), atOnce);
      if (due.length === 0) break;
      await Promise.all(
        Map.groupBy(due, ({ subscription }) => subscription.id)
          .values()
          .map((letters) => sendInOrder(deps, letters, signal)),
      );
    }
    await outbox.clear(clock.now() - keptMs);
    const [next] = await outbox.due(Number.MAX_SAFE_INTEGER, 1);
    return next === undefined ? longestSleepMs : Math.min(next.tryAt - clock.now(), longestSleepMs);
  };

  return {
    wake,
    start: async (signal) => {
      while (!signal.aborted) {
        const ms = await sendAllDue(signal).catch((error: unknown) => {
          failed(error);
          return storeRetryMs;
        });
        await wait(ms, signal);
      }
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
      await deliver({ id: letter.id, told: letter.body as Told }, openTarget(sealer, letter.subscription));
      await outbox.move(letter.id, { state: 'sent', tryAt: clock.now(), attempts });
    } catch (error) {
      const now = clock.now();
      if (isOfStore(error)) throw error;
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

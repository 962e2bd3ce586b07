import { abortable } from '../lib/abortable.ts';
import type { Clock } from '../lib/clock.ts';
import { meaningOf } from './meaning.ts';

export type Patience = {
  /** Tells why something is about to be tried again. */
  waits(error: unknown): void;
  /** Waits before the next try, the longer the more tries have failed. */
  pause(failures: number, signal: AbortSignal): Promise<void>;
  /** Does it again and again while who it talks to is away. Rejects with the signal's reason when that aborts. */
  until<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Resolves a moment after it was called: a server that answers at once, where it could wait, is not asked without pause. */
  moment(signal: AbortSignal): Promise<void>;
};

const shortestMs = 250;
const longestMs = 5000;
const momentMs = 100;

/** `random`: 0 to 1, so that not all workers come back at the same moment. `waits` is told why something is tried again, each time that begins. */
export const makePatience = (clock: Clock, random: () => number, waits: (error: unknown) => void = () => {}): Patience => {
  const pause: Patience['pause'] = async (failures, signal) => {
    const ms = Math.min(longestMs, shortestMs * 2 ** Math.min(failures - 1, 10)) * (0.5 + random() / 2);
    const over = Promise.withResolvers<void>();
    const cancel = clock.after(ms, over.resolve);
    await abortable(over.promise, signal).finally(cancel);
  };
  return {
    waits,
    pause,
    moment: async (signal) => {
      const over = Promise.withResolvers<void>();
      const cancel = clock.after(momentMs, over.resolve);
      await abortable(over.promise, signal)
        .catch(() => {})
        .finally(cancel);
    },
    until: async (work, signal) => {
      for (let failures = 1; ; failures++) {
        signal.throwIfAborted();
        try {
          return await abortable(work(), signal);
        } catch (error) {
          if (signal.aborted || meaningOf(error) !== 'away') throw error;
          if (failures === 1) waits(error);
          await pause(failures, signal);
        }
      }
    },
  };
};

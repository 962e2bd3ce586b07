import type { Clock } from '../../lib/clock.ts';
import { isRefused } from './server-error.ts';

/** How long a server that does not answer is waited for, and between tries, ms. */
const patienceMs = 300_000;
const pauses = [250, 1000, 2000, 5000] as const;

/** For something that is followed over connections that may break: waits before the next one. */
export type Patience = {
  /** Something came. */
  reset(): void;
  /** Resolves when it may be tried again, or the signal has aborted. Rejects with the error when it is no trouble of the moment, or lasts for too long. */
  after(error: unknown, signal: AbortSignal): Promise<void>;
};

export const patience = (clock: Clock): Patience => {
  let since: number | undefined;
  let tries = 0;
  return {
    reset: () => {
      since = undefined;
      tries = 0;
    },
    after: async (error, signal) => {
      since ??= clock.now();
      if (isRefused(error) || clock.now() - since > patienceMs) throw error;
      const pause = pauses[Math.min(tries++, pauses.length - 1)] ?? 0;
      const over = Promise.withResolvers<void>();
      const stop = clock.after(pause, over.resolve);
      signal.addEventListener('abort', () => over.resolve(), { once: true });
      if (!signal.aborted) await over.promise;
      stop();
    },
  };
};

import type { Clock } from '../lib/clock.ts';

/** Does what can be done again and again until the place of the results answers; everything else that goes wrong is as it was. */
export type Patience = <T>(work: () => Promise<T>) => Promise<T>;

const firstPauseMs = 1000;
const longestPauseMs = 15_000;

/**
 * However long that takes, or until the signal aborts: it waits no longer then. Several things may wait at a time; `waits` is told when the first of them does,
 * `goesOn` when none does any more.
 */
export const patience = (deps: {
  readonly clock: Pick<Clock, 'after'>;
  readonly signal: AbortSignal;
  waits(error: Error): Promise<void>;
  goesOn?(): void;
}): Patience => {
  const { clock, signal, waits, goesOn } = deps;
  let waiting = 0;

  const pause = async (ms: number): Promise<void> => {
    const over = Promise.withResolvers<void>();
    const stop = clock.after(ms, over.resolve);
    const abort = (): void => over.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    await over.promise.finally(() => {
      stop();
      signal.removeEventListener('abort', abort);
    });
  };

  const untilThere = async <T>(work: () => Promise<T>): Promise<T> => {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
      await pause(pauseMs);
      try {
        return await work();
      } catch (error) {
        if (!isAway(error) || signal.aborted) throw error;
      }
    }
  };

  return async (work) => {
    try {
      return await work();
    } catch (error) {
      if (!isAway(error) || signal.aborted) throw error;
      waiting++;
      try {
        if (waiting === 1) await waits(error);
        return await untilThere(work);
      } finally {
        waiting--;
        if (waiting === 0) goesOn?.();
      }
    }
  };
};

/** The place of the results does not answer: what was to be done there is not wrong, only late. */
export const isAway = (error: unknown): error is Error => error instanceof Error && 'code' in error && error.code === 'RESULTS_UNREACHABLE';

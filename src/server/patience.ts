import type { Clock } from '../lib/clock.ts';

/** Does what can be done again and again until the place of the results answers; everything else that goes wrong is as it was. */
export type Patience = <T>(work: () => Promise<T>) => Promise<T>;

const firstPauseMs = 1000;
const longestPauseMs = 15_000;

/** However long that takes, or until the signal aborts: it waits no longer then. `waits` is told when waiting begins, `goesOn` when it is over. */
export const patience =
  (deps: {
    readonly clock: Pick<Clock, 'after'>;
    readonly signal: AbortSignal;
    waits?(error: Error): Promise<void>;
    goesOn?(): void;
  }): Patience =>
  async (work) => {
    const { clock, signal, waits, goesOn } = deps;
    for (let failures = 0; ; failures++) {
      try {
        const done = await work();
        if (failures > 0) goesOn?.();
        return done;
      } catch (error) {
        if (!isAway(error)) throw error;
        if (signal.aborted) throw error;
        if (failures === 0) await waits?.(error);
        const over = Promise.withResolvers<void>();
        const stop = clock.after(Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures, 10)), over.resolve);
        const abort = (): void => over.reject(signal.reason);
        signal.addEventListener('abort', abort, { once: true });
        await over.promise.finally(() => {
          stop();
          signal.removeEventListener('abort', abort);
        });
      }
    }
  };

/** The place of the results does not answer: what was to be done there is not wrong, only late. */
export const isAway = (error: unknown): error is Error => error instanceof Error && 'code' in error && error.code === 'RESULTS_UNREACHABLE';

import type { Clock } from './clock.ts';

/** Waits that can be cut short. */
export type Pauses = {
  /** Resolves when `ms` are over, when somebody wakes it or has since the last wait, or when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  wake(): void;
};

export const pauses = (clock: Pick<Clock, 'after'>): Pauses => {
  let isWoken = false;
  let end: (() => void) | undefined;
  return {
    wake: () => {
      isWoken = true;
      end?.();
    },
    wait: async (ms, signal) => {
      if (!isWoken && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const stop = clock.after(ms, resolve);
          end = () => {
            stop();
            resolve();
          };
          signal.addEventListener('abort', end, { once: true });
        });
        if (end !== undefined) signal.removeEventListener('abort', end);
        end = undefined;
      }
      isWoken = false;
    },
  };
};

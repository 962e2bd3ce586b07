import type { Clock } from '../lib/clock.ts';

/** Wakes all who wait at the moment. Nothing is remembered: look first, and wait in the same turn. */
export type Pulse = {
  beat(): void;
  /** Resolves at the next beat, when the signal aborts, or after `ms`: then with `false`. */
  next(signal: AbortSignal, ms: number): Promise<boolean>;
};

export const makePulse = (clock: Clock): Pulse => {
  const waiting = new Set<() => void>();
  return {
    beat: () => {
      for (const wake of [...waiting]) wake();
    },
    next: (signal, ms) =>
      new Promise((resolve) => {
        const over = (woken: boolean): void => {
          waiting.delete(wake);
          cancel();
          signal.removeEventListener('abort', wake);
          resolve(woken);
        };
        const wake = (): void => over(true);
        const cancel = clock.after(ms, () => over(false));
        waiting.add(wake);
        signal.addEventListener('abort', wake);
        if (signal.aborted) wake();
      }),
  };
};

import type { Clock } from '../lib/clock.ts';
import type { Timeouts } from '../plan/plan.ts';
import type { Cause } from '../run/outcome.ts';

export type TimeLimits = {
  /** There was output: silence begins anew. */
  wrote(): void;
  cancel(): void;
};

/** Says when a limit is over; `totalMs` counts from `startedAt`, `silentMs` from now. */
export const watchLimits = (
  clock: Clock,
  { totalMs, silentMs }: Timeouts,
  startedAt: number,
  over: (cause: Cause & { kind: 'timeout' }) => void,
): TimeLimits => {
  let wroteAt = clock.now();
  let cancelTotal = (): void => {};
  let cancelSilent = (): void => {};
  const watchSilence = (limitMs: number): void => {
    const rest = wroteAt + limitMs - clock.now();
    if (rest <= 0) over({ kind: 'timeout', limit: 'silent', ms: limitMs });
    else cancelSilent = clock.after(rest, () => watchSilence(limitMs));
  };
  if (totalMs !== undefined) {
    const rest = Math.max(0, startedAt + totalMs - clock.now());
    cancelTotal = clock.after(rest, () => over({ kind: 'timeout', limit: 'total', ms: totalMs }));
  }
  if (silentMs !== undefined) watchSilence(silentMs);
  return {
    wrote: () => {
      wroteAt = clock.now();
    },
    cancel: () => {
      cancelTotal();
      cancelSilent();
    },
  };
};

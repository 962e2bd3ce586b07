import type { Clock } from '../lib/clock.ts';
import type { Timeouts } from '../plan/plan.ts';
import type { Cause } from '../run/outcome.ts';

export type TimeLimits = {
  /** There was output: silence begins anew. */
  wrote(): void;
  cancel(): void;
};

/**
 * Says when a limit is over; `totalMs` counts from `startedAt`, `silentMs` from now. A wall clock that jumps meanwhile changes nothing (atk-72): only timers
 * are waited for.
 */
export const watchLimits = (
  clock: Clock,
  { totalMs, silentMs }: Timeouts,
  startedAt: number,
  over: (cause: Cause & { kind: 'timeout' }) => void,
): TimeLimits => {
  let cancelTotal = (): void => {};
  let cancelSilent: (() => void) | undefined;
  const watchSilence = (limitMs: number): void => {
    cancelSilent = clock.after(limitMs, () => {
      cancelSilent = undefined;
      over({ kind: 'timeout', limit: 'silent', ms: limitMs });
    });
  };
  if (totalMs !== undefined) {
    const rest = Math.max(0, startedAt + totalMs - clock.now());
    cancelTotal = clock.after(rest, () => over({ kind: 'timeout', limit: 'total', ms: totalMs }));
  }
  if (silentMs !== undefined) watchSilence(silentMs);
  return {
    wrote: () => {
      if (silentMs === undefined || cancelSilent === undefined) return;
      cancelSilent();
      watchSilence(silentMs);
    },
    cancel: () => {
      cancelTotal();
      cancelSilent?.();
    },
  };
};

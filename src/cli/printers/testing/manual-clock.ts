import type { Clock } from '../../../lib/clock.ts';

/** Time that goes on only when it is told to. */
export type ManualClock = Clock & { advance(ms: number): void };

export const manualClock = (start = Date.UTC(2026, 10, 21, 12, 0, 0)): ManualClock => {
  let now = start;
  const timers = new Set<{ readonly due: number; readonly callback: () => void }>();
  return {
    now: () => now,
    after: (ms, callback) => {
      const timer = { due: now + ms, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance: (ms) => {
      const end = now + ms;
      for (;;) {
        const next = [...timers].filter(({ due }) => due <= end).sort((one, other) => one.due - other.due)[0];
        if (next === undefined) break;
        timers.delete(next);
        now = Math.max(now, next.due);
        next.callback();
      }
      now = end;
    },
  };
};

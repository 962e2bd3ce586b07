import type { Clock } from './clock.ts';

/** Once it is ended it calls nobody back any more, and tells only the time: what was about to wait keeps no process alive. */
export type EndableClock = Clock & { end(): void };

export const endableClock = (clock: Clock): EndableClock => {
  const waiting = new Set<() => void>();
  let isEnded = false;
  return {
    now: clock.now,
    after: (ms, callback) => {
      if (isEnded) return () => {};
      const cancel = clock.after(ms, () => {
        waiting.delete(stop);
        callback();
      });
      const stop = (): void => {
        waiting.delete(stop);
        cancel();
      };
      waiting.add(stop);
      return stop;
    },
    end: () => {
      isEnded = true;
      for (const stop of [...waiting]) stop();
    },
  };
};

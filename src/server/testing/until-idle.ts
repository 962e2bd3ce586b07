import type { Clock } from '../../lib/clock.ts';

/** Runs what has a `start` at one moment, until it has nothing more to do than to wait; then ends it. */
export const untilIdle = async (now: number, make: (clock: Clock) => { start(signal: AbortSignal): Promise<void> }): Promise<void> => {
  const idle = Promise.withResolvers<void>();
  const clock: Clock = {
    now: () => now,
    after: () => {
      idle.resolve();
      return () => undefined;
    },
  };
  const going = new AbortController();
  const ended = make(clock).start(going.signal);
  await Promise.race([idle.promise, ended]);
  going.abort();
  await ended;
};

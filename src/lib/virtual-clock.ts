import type { Clock } from './clock.ts';

/** A Clock whose time passes only when it is told to, or when nothing else is left to do. */
export type VirtualClock = Clock & {
  /** Lets `ms` pass: calls back what is due on the way, in order, and lets what these callbacks began go on in between. */
  advance(ms: number): Promise<void>;
  /** How many callbacks wait. */
  pending(): number;
};

/** `whenIdle: 'run'` jumps to the next callback whenever the process has neither code nor file work to do. */
export const virtualClock = (options: { readonly startAt?: number; readonly whenIdle?: 'wait' | 'run' } = {}): VirtualClock => {
  let time = options.startAt ?? 0;
  let order = 0;
  let pumping = false;
  const timers = new Map<number, { readonly at: number; readonly callback: () => void }>();

  const earliest = (until: number): number | undefined => {
    let found: number | undefined;
    let foundAt = until;
    for (const [id, { at }] of timers) {
      if (at < foundAt || (at === foundAt && found === undefined)) {
        found = id;
        foundAt = at;
      }
    }
    return found;
  };

  const fire = (id: number): void => {
    const timer = timers.get(id);
    if (timer === undefined) return;
    timers.delete(id);
    time = Math.max(time, timer.at);
    timer.callback();
  };

  const pump = async (): Promise<void> => {
    pumping = true;
    while (timers.size > 0) {
      await idle();
      const next = earliest(Number.POSITIVE_INFINITY);
      if (next !== undefined) fire(next);
    }
    pumping = false;
  };

  return {
    now: () => time,
    after: (ms, callback) => {
      const id = ++order;
      timers.set(id, { at: time + Math.max(0, ms), callback });
      if (options.whenIdle === 'run' && !pumping) void pump();
      return () => timers.delete(id);
    },
    advance: async (ms) => {
      const until = time + ms;
      await settled();
      for (let next = earliest(until); next !== undefined; next = earliest(until)) {
        fire(next);
        await settled();
      }
      time = until;
    },
    pending: () => timers.size,
  };
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const settled = async (): Promise<void> => {
  await turn();
  await turn();
};

const idle = async (): Promise<void> => {
  do {
    await settled();
  } while (process.getActiveResourcesInfo().some((resource) => /^(FSReq|CloseReq|Zlib|ProcessWrap)/.test(resource)));
};

import type { Clock } from '../../lib/clock.ts';

/**
 * Slows guessing down (atk-65). Each attempt counts as failed from its beginning, so that many at once are no way around it. After
 * `free` failures of a key the next has to wait, twice as long with each, up to `longestMs`; a key that was quiet for an hour begins anew.
 */
export type Throttle = {
  /** 0: go on, and it has been counted. Else how long to wait, in ms; nothing was counted. */
  begin(keys: readonly ThrottleKey[]): number;
  /** It was no guess: the first key is forgiven all, the others this one. */
  passed(keys: readonly ThrottleKey[]): void;
};

export type ThrottleKey = { readonly key: string; readonly free: number; readonly longestMs: number };

type Entry = { failures: number; until: number; lastAt: number };

const quietMs = 3_600_000;
const mostKeys = 20_000;

export const throttleOf = (clock: Pick<Clock, 'now'>): Throttle => {
  const entries = new Map<string, Entry>();

  const entryOf = (key: string, now: number): Entry => {
    const found = entries.get(key);
    return found === undefined || now - found.lastAt > quietMs ? { failures: 0, until: 0, lastAt: now } : found;
  };

  const keep = (key: string, entry: Entry): void => {
    entries.delete(key);
    entries.set(key, entry);
    if (entries.size <= mostKeys) return;
    const [oldest = key] = entries.keys();
    entries.delete(oldest);
  };

  return {
    begin: (keys) => {
      const now = clock.now();
      const found = keys.map((key) => ({ ...key, entry: entryOf(key.key, now) }));
      const wait = Math.max(0, ...found.map(({ entry }) => entry.until - now));
      if (wait > 0) return wait;
      for (const { key, free, longestMs, entry } of found) {
        const failures = entry.failures + 1;
        const pause = failures < free ? 0 : Math.min(longestMs, 1000 * 2 ** Math.min(failures - free, 30));
        keep(key, { failures, until: now + pause, lastAt: now });
      }
      return 0;
    },
    passed: ([first, ...others]) => {
      if (first !== undefined) entries.delete(first.key);
      for (const { key } of others) {
        const entry = entries.get(key);
        if (entry !== undefined) entries.set(key, { ...entry, failures: Math.max(0, entry.failures - 1), until: 0 });
      }
    },
  };
};

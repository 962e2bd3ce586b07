import { randomFrom } from '../random.ts';

/** `kill -9` of one part `afterMs` after the one before; it is started again `downMs` later. */
export type Kill = { readonly afterMs: number; readonly victim: Victim; readonly downMs: number };
export type Victim = 'server' | 'postgres' | `worker-${number}` | `engine-${number}`;

export type ScheduleOptions = {
  /** They are killed too. */
  readonly engines: boolean;
  /** Each kind of part once, and no more; else without end, and now and then a worker stays away for longer than its lease. */
  readonly once: boolean;
};

/** The same for the same seed and options. */
export const scheduleOf = function* (seed: number, sites: number, { engines, once }: ScheduleOptions): Generator<Kill> {
  const random = randomFrom(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const kinds: (() => Omit<Kill, 'afterMs'>)[] = [
    () => ({ victim: 'server', downMs: below(2000) }),
    () => ({ victim: 'postgres', downMs: below(2000) }),
    () => ({ victim: `worker-${1 + below(sites)}`, downMs: below(5) === 0 && !once ? 16_000 + below(5000) : below(3000) }),
    ...(engines ? [() => ({ victim: `engine-${1 + below(sites)}`, downMs: below(3000) }) as const] : []),
  ];
  while (kinds.length > 0) {
    const index = below(kinds.length);
    const [kind] = once ? kinds.splice(index, 1) : kinds.slice(index);
    if (kind !== undefined) yield { ...kind(), afterMs: 1000 + below(once ? 2000 : 5000) };
  }
};

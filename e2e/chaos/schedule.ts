import { randomFrom } from '../random.ts';

/** `kill -9` of one part `afterMs` after the one before; it is started again `downMs` later. */
export type Kill = { readonly afterMs: number; readonly victim: Victim; readonly downMs: number };
export type Victim = 'server' | 'postgres' | `worker-${number}` | `engine-${number}`;

/** The same for the same seed, without end. `engines`: they are killed too. `long`: now and then a worker stays away for longer than its lease. */
export const scheduleOf = function* (
  seed: number,
  sites: number,
  { engines, long }: { readonly engines: boolean; readonly long: boolean },
): Generator<Kill> {
  const random = randomFrom(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const kinds = [
    () => ({ victim: 'server', downMs: below(2000) }),
    () => ({ victim: 'postgres', downMs: below(2000) }),
    () => ({ victim: `worker-${1 + below(sites)}`, downMs: below(5) === 0 && long ? 16_000 + below(5000) : below(3000) }),
    ...(engines ? [() => ({ victim: `engine-${1 + below(sites)}`, downMs: below(3000) }) as const] : []),
  ] as const satisfies readonly (() => Omit<Kill, 'afterMs'>)[];
  for (;;) {
    const made = kinds[below(kinds.length)]?.();
    if (made !== undefined) yield { afterMs: 1000 + below(5000), ...made };
  }
};

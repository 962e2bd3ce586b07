import type { MemoryStore } from '../../../../store/memory/memory-store.ts';
import { StoreError } from '../../../../store/store-error.ts';
import { defaultLimits } from '../../dispatcher-deps.ts';
import type { Dispatcher } from '../../dispatcher.ts';
import { makeDispatcher } from '../../make-dispatcher.ts';
import type { Invariants } from './invariants.ts';
import type { Random } from './random.ts';
import { shakyStore } from './shaky-store.ts';
import { type Life, lifeIn, type Timeline } from './timeline.ts';
import type { Weather } from './weather.ts';

/** The server, life after life, on one store. */
export type SimServer = {
  /** `undefined` while it is down. */
  now(): { readonly api: Dispatcher; readonly life: Life } | undefined;
};

export type SimServerDeps = {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly weather: Weather;
  readonly store: MemoryStore;
  readonly invariants: Invariants;
  tell(line: string): void;
  /** An error that must not be. */
  broken(error: unknown): void;
};

export const startServer = ({ timeline, random, weather, store, invariants, tell, broken }: SimServerDeps): SimServer => {
  let serving: ReturnType<SimServer['now']>;
  let runs = 0;

  const start = (): void => {
    tell('the server starts');
    const life = lifeIn(timeline);
    const api = makeDispatcher({
      ...shakyStore(store, life, random, weather, invariants.committed),
      clock: { now: () => epoch + timeline.now() + weather.clockIsOff(), after: life.after },
      newRunId: () => `run_${++runs}`,
      policyOf: async () => ({ priority: 0, labels: [] }),
      outsideOf: async () => {
        if (weather.isBad() && random.chance(0.01)) throw new Error('a secret is not there');
        return { variables: {}, secrets: {}, encrypted: {}, redact: [] };
      },
      outputOf: async () => ({ bytes: new Uint8Array(), sensitive: false }),
      failed: (error) => {
        if (!(error instanceof StoreError)) broken(error);
      },
      limits: defaultLimits,
    });
    api.watch(undefined, (events, state) => {
      if (!life.isOver) invariants.told(events, state, random.chance(0.1));
    });
    serving = { api, life };
    api.start(new AbortController().signal).catch(() => life.after(500, () => die(0)));
  };

  const die = (downMs: number): void => {
    if (serving === undefined) return;
    tell(`the server dies for ${downMs}`);
    serving.life.end();
    serving = undefined;
    timeline.after(downMs, start);
  };

  start();
  for (let times = random.pick([0, 0, 1, 2]); times > 0; times--) {
    const downMs = random.pick([10, 2_000, 30_000, 120_000]);
    timeline.after(random.between(0, weather.badUntil), () => die(downMs));
  }
  return { now: () => serving };
};

const epoch = 1_700_000_000_000;

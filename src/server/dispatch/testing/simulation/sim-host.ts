import type { Invariants } from './invariants.ts';
import { makeMachine } from './machine.ts';
import { makeNetwork } from './network.ts';
import type { Random } from './random.ts';
import type { SimServer } from './sim-server.ts';
import { startWorker } from './sim-worker.ts';
import { type Life, lifeIn, type Timeline } from './timeline.ts';
import type { Weather } from './weather.ts';

/** A supervisor starts a dead process again within less than the margin in which a worker ends what it runs before the grace is over. */
const restartMs = 10_000;

export type SimHostDeps = {
  readonly name: string;
  readonly timeline: Timeline;
  readonly random: Random;
  readonly weather: Weather;
  readonly server: SimServer;
  readonly invariants: Invariants;
  /** A worker was told that what it has is another's by now. */
  lost(item: string, token: number): void;
  tell(line: string): void;
};

/** A machine with a worker on it: its process dies and is started again, the machine dies, or it cannot be reached for a while. */
export const startHost = ({ name, timeline, random, weather, server, invariants, lost, tell }: SimHostDeps): void => {
  const machine = makeMachine(timeline, random, {
    began: (item) => {
      tell(`${name} lets go ${item}`);
      invariants.began(item);
    },
    ended: (item) => {
      tell(`${name} has ended ${item}`);
      invariants.ended(item);
    },
  });
  const network = makeNetwork({ timeline, random, server: server.now, badness: weather.messages });
  const ledger = new Map<string, number>();
  const slots = random.between(1, 3);
  let life: Life | undefined;

  const boot = (): void => {
    tell(`${name} starts`);
    life = lifeIn(timeline);
    const { acknowledged } = invariants;
    startWorker({ name, slots, api: network.api(life), machine, life, random, ledger, now: timeline.now, acknowledged, lost });
  };
  const die = (): void => {
    if (life === undefined) return;
    life.end();
    life = undefined;
    const isMachine = random.chance(0.4);
    if (isMachine) {
      machine.crash();
      ledger.clear();
    }
    const downMs = random.between(1, isMachine ? 200_000 : restartMs);
    tell(`${name} dies for ${downMs}${isMachine ? ' with its machine' : ''}`);
    timeline.after(downMs, boot);
  };
  const part = (): void => {
    const ms = random.chance(0.02) ? 3_600_000 : random.pick([1_000, 20_000, 60_000, 120_000]);
    tell(`${name} is cut off for ${ms}`);
    network.part(ms);
  };

  timeline.after(random.between(0, 3000), boot);
  for (let times = random.between(0, 2); times > 0; times--) {
    timeline.after(random.between(0, weather.badUntil), random.chance(0.5) ? die : part);
  }
};

import assert from 'node:assert/strict';
import { memoryStore } from '../../../../store/memory/memory-store.ts';
import { makeInvariants } from './invariants.ts';
import { randomOf } from './random.ts';
import { startHost } from './sim-host.ts';
import { startRun } from './sim-people.ts';
import { simPlan } from './sim-plan.ts';
import { startServer } from './sim-server.ts';
import { makeTimeline } from './timeline.ts';
import { weatherOf } from './weather.ts';

/** How often each kind of event happened. */
export type Simulated = Readonly<Record<string, number>>;

/**
 * A server, three workers and the people who use them, for one seed: messages are lost, late and doubled, processes and machines die, the store fails and clocks
 * jump, all within the first minutes; then it becomes calm, and everything has to come to its end. Rejects when something is that must never be. `tell` is told
 * what happens.
 */
export const simulate = async (seed: number, tell?: (line: string) => void): Promise<Simulated> => {
  const random = randomOf(seed);
  const timeline = makeTimeline();
  const store = memoryStore();
  const weather = weatherOf(timeline, random);
  const note = (line: string): void => tell?.(`${timeline.now()} ${line}`);
  let failure: Error | undefined;
  const broken = (error: unknown): void => {
    failure ??= error instanceof Error ? error : new Error(String(error));
  };
  const invariants = makeInvariants(broken, note);

  /** The store itself is asked: tokens only grow, so what is not lost by now was not lost when it was said. */
  const lost = async (item: string, token: number): Promise<void> => {
    const held = (await store.queue.list()).find(({ id }) => id === item)?.claim;
    if (held?.token === token) broken(new Error(`${item} was said to be lost and is not`));
  };

  const server = startServer({ timeline, random, weather, store, invariants, tell: note, broken });
  for (const name of ['w1', 'w2', 'w3']) {
    startHost({ name, timeline, random, weather, server, invariants, tell: note, lost: (item, token) => void lost(item, token) });
  }
  const plans = Array.from({ length: random.between(1, 2) }, () => simPlan(random));
  plans.forEach((plan, index) => {
    timeline.after(
      random.between(0, 20_000),
      () => void startRun({ timeline, random, server, invariants }, plan, `run ${index}`).catch(broken),
    );
  });

  let calmSince: number | undefined;
  while (timeline.now() < (calmSince ?? longestMs) + calmMs && timeline.step()) {
    await settled();
    invariants.check();
    if (failure !== undefined) throw failure;
    const isOver = !weather.isBad() && invariants.areOver(plans.length);
    calmSince = isOver ? (calmSince ?? timeline.now()) : undefined;
  }
  assert.ok(calmSince !== undefined, `something has not ended after ${longestMs} ms: ${[...invariants.running].join()}`);
  assert.deepEqual(await store.queue.list(), [], 'the queue is empty at the end');
  return invariants.counts;
};

const longestMs = 3 * 3_600_000;
/** So long nothing more may happen. */
const calmMs = 60_000;

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

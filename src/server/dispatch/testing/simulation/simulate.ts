import assert from 'node:assert/strict';
import { planDigest } from '../../../../plan/digest.ts';
import type { RunFact } from '../../../../run/run-event.ts';
import type { RunState } from '../../../../run/run-state.ts';
import { memoryStore } from '../../../../store/memory/memory-store.ts';
import { defaultLimits } from '../../dispatcher-deps.ts';
import type { Dispatcher } from '../../dispatcher.ts';
import { makeDispatcher } from '../../make-dispatcher.ts';
import { cancelRun, decideGate } from '../../requests.ts';
import { makeInvariants } from './invariants.ts';
import { makeMachine } from './machine.ts';
import { makeNetwork } from './network.ts';
import { randomOf } from './random.ts';
import { shakyStore } from './shaky-store.ts';
import { simPlan } from './sim-plan.ts';
import { startWorker } from './sim-worker.ts';
import { type Life, lifeIn, makeTimeline } from './timeline.ts';

export type Simulated = {
  /** Things that happened. */
  readonly steps: number;
  readonly virtualMs: number;
  readonly events: Readonly<Record<string, number>>;
};

/**
 * A server, three workers and the people who use them, for one seed: messages are lost, late and doubled, processes and machines die, the store fails and clocks
 * jump, all within the first minutes; then it becomes calm, and everything has to come to its end. Throws when something is that must never be.
 */
export const simulate = async (seed: number, tell: (line: string) => void = () => {}): Promise<Simulated> => {
  const random = randomOf(seed);
  const timeline = makeTimeline();
  const store = memoryStore();
  const invariants = makeInvariants();
  const counts: Record<string, number> = {};
  let failure: unknown;
  const guarded =
    <T extends readonly unknown[]>(work: (...given: T) => void) =>
    (...given: T): void => {
      try {
        work(...given);
      } catch (error) {
        failure ??= error;
      }
    };

  const badUntil = random.between(0, 120_000);
  const isBad = (): boolean => timeline.now() < badUntil;
  const lossRate = random.pick([0, 0.02, 0.1, 0.3]);
  const storeFails = random.pick([0, 0, 0.01, 0.05]);
  const slowMs = random.pick([0, 0, 5, 50]);
  const jumps = random.chance(0.2);
  let jump = 0;

  const background = lifeIn(timeline);
  let serving: { readonly api: Dispatcher; readonly life: Life } | undefined;
  let made = 0;

  const committed = guarded((run: string, events: Parameters<typeof invariants.committed>[1]) => {
    for (const event of events) {
      counts[event.kind] = (counts[event.kind] ?? 0) + 1;
      tell(`${timeline.now()} ${run} ${JSON.stringify(event)}`);
    }
    invariants.committed(run, events);
  });

  const checkLost = async (item: string, token: number): Promise<void> => {
    const held = (await store.queue.list()).find(({ id }) => id === item)?.claim;
    guarded(() => assert.notEqual(held?.token, token, `${item} was said to be lost and is not`))();
  };

  const startServer = (): void => {
    const life = lifeIn(timeline);
    const shaky = shakyStore(store, life, random, { slowMs, fails: () => (isBad() ? storeFails : 0) }, committed);
    const api = makeDispatcher({
      ...shaky,
      clock: { now: () => 1_700_000_000_000 + timeline.now() + jump, after: life.after },
      newRunId: () => `run_${++made}`,
      policyOf: async () => ({ priority: 0, labels: [] }),
      outsideOf: async () => {
        if (isBad() && random.chance(0.01)) throw new Error('a secret is not there');
        return { variables: {}, secrets: {}, encrypted: {}, redact: [] };
      },
      outputOf: async () => ({ bytes: new Uint8Array(), sensitive: false }),
      failed: (error) => {
        if (!(error instanceof Error && 'code' in error && error.code === 'STORE_UNAVAILABLE')) failure ??= error;
      },
      limits: defaultLimits,
    });
    api.watch(
      undefined,
      guarded((events, state) => {
        if (!life.isOver) invariants.told(state.run, events, state, random.chance(0.1));
      }),
    );
    const begin = (): void => {
      api.start(new AbortController().signal).then(
        () => {},
        () => life.after(500, startAnew),
      );
    };
    const startAnew = (): void => {
      tell(`${timeline.now()} the server could not start`);
      life.end();
      startServer();
    };
    tell(`${timeline.now()} the server starts`);
    serving = { api, life };
    begin();
  };
  const crashServer = (downMs: number): void => {
    tell(`${timeline.now()} the server dies for ${downMs}`);
    serving?.life.end();
    serving = undefined;
    background.after(downMs, startServer);
  };

  /** A person who tries until it has come through, or is refused. */
  const ask = async (what: (api: Dispatcher) => Promise<unknown>): Promise<void> => {
    for (;;) {
      const there = serving;
      const answer =
        there === undefined
          ? 'away'
          : await Promise.race([
              what(there.api).then(
                () => 'done',
                (error: unknown) => error,
              ),
              background.wait(30_000).then(() => 'away'),
            ]);
      if (answer === 'done' || (answer instanceof Error && 'code' in answer && String(answer.code).startsWith('GATE_'))) return;
      await background.wait(random.between(200, 2000));
    }
  };

  const plans = Array.from({ length: random.between(1, 2) }, () => simPlan(random));
  const begun = async (index: number): Promise<void> => {
    const plan = plans[index];
    if (plan === undefined) return;
    let run: string | undefined;
    await ask(async (api) => {
      const created = await api.create({
        project: 'acme/app',
        pipeline: 'sim',
        trigger: { kind: 'manual', by: 'eve' },
        once: `run ${index}`,
      });
      run = created.run;
    });
    if (run === undefined) return;
    const made = run;
    const facts = ({ plan: known, phase }: RunState): readonly RunFact[] =>
      known !== undefined || phase === 'finished'
        ? []
        : [
            { kind: 'fetch.started' },
            { kind: 'fetch.finished', source: { commit: 'c0ffee', changedFiles: 0, files: 1, bytes: 1 } },
            { kind: 'run.planned', plan, digest: planDigest(plan) },
          ];
    if (random.chance(0.25)) {
      const force = random.chance(0.3);
      background.after(random.between(0, 60_000), () => void ask((api) => api.report(made, cancelRun('eve', force))));
    }
    await ask((api) => api.report(made, facts));
    for (const node of plan.nodes) {
      if (node.kind !== 'gate') continue;
      if (node.timeoutMs !== undefined && random.chance(0.4)) continue;
      const kind = random.chance(0.8) ? 'approved' : 'rejected';
      const decide = (): void => {
        const known = invariants.state(made)?.nodes.get(node.name);
        if (known?.phase === 'running')
          void ask((api) => api.report(made, decideGate(node.name, planDigest(plan), { kind, by: 'eve', at: timeline.now() })));
        background.after(random.between(1000, 40_000), decide);
      };
      background.after(random.between(0, 40_000), decide);
    }
    if (random.chance(0.1)) {
      const again = (): void => {
        const state = invariants.state(made);
        if (state?.phase !== 'finished') return void background.after(5_000, again);
        const stages = plan.nodes.map(({ name }) => name);
        void ask((api) =>
          api.report(made, ({ phase, nodes }) =>
            phase !== 'finished' || [...nodes.values()].some((node) => node.kind === 'stage' && node.attempts.length > 3)
              ? []
              : [{ kind: 'run.rerun', stages, trigger: { kind: 'manual', by: 'eve' } }],
          ),
        );
      };
      background.after(30_000, again);
    }
  };

  const workerNames = ['w1', 'w2', 'w3'];
  for (const name of workerNames) {
    const machine = makeMachine(timeline, random, {
      began: guarded((item: string) => {
        tell(`${timeline.now()} ${name} lets go ${item}`);
        invariants.began(item);
      }),
      ended: (item) => {
        tell(`${timeline.now()} ${name} has ended ${item}`);
        invariants.ended(item);
      },
    });
    const ledger = new Map<string, number>();
    const network = makeNetwork({ timeline, random, server: () => serving, badness: () => (isBad() ? lossRate : 0) });
    const slots = random.between(1, 3);
    let life: Life | undefined;
    const boot = (): void => {
      tell(`${timeline.now()} ${name} starts`);
      life = lifeIn(timeline);
      startWorker({
        name,
        slots,
        api: network.api(life),
        machine,
        life,
        random,
        ledger,
        now: timeline.now,
        acknowledged: guarded(invariants.acknowledged),
        lost: (item, token) => void checkLost(item, token),
      });
    };
    const crash = (): void => {
      if (life === undefined) return;
      life.end();
      life = undefined;
      const isMachine = random.chance(0.4);
      if (isMachine) {
        machine.crash();
        ledger.clear();
      }
      const downMs = isMachine ? random.between(1, 200_000) : random.between(1, 20_000);
      tell(`${timeline.now()} ${name} dies for ${downMs}${isMachine ? ' with its machine' : ''}`);
      background.after(downMs, boot);
    };
    background.after(random.between(0, 3000), boot);
    for (let times = random.between(0, 2); times > 0; times--) {
      background.after(
        random.between(0, badUntil),
        random.chance(0.5) ? crash : () => network.part(random.pick([1_000, 20_000, 60_000, 120_000])),
      );
    }
  }
  startServer();
  for (let times = random.pick([0, 0, 1, 2]); times > 0; times--) {
    background.after(random.between(0, badUntil), () => {
      if (serving !== undefined) crashServer(random.pick([10, 2_000, 30_000, 120_000]));
    });
  }
  if (jumps) {
    for (let times = 0; times < 2; times++) {
      background.after(random.between(0, badUntil), () => {
        jump += random.pick([-3_600_000, 3_600_000, 20_000, -20_000]);
      });
    }
  }
  plans.forEach((_, index) => background.after(random.between(0, 20_000), () => void begun(index)));

  const isDone = async (): Promise<boolean> => {
    if (isBad() || invariants.running.size > 0 || [...invariants.runs].length < plans.length) return false;
    for (const run of invariants.runs) if (invariants.state(run)?.phase !== 'finished') return false;
    return true;
  };

  let steps = 0;
  let calmSince: number | undefined;
  while (timeline.step()) {
    steps++;
    await microtasks();
    guarded(() => invariants.check())();
    if (failure !== undefined) throw failure;
    if (!(await isDone())) calmSince = undefined;
    else calmSince ??= timeline.now();
    if (calmSince !== undefined && timeline.now() > calmSince + 60_000) break;
    assert.ok(timeline.now() < longest, `${[...invariants.running].join()} or a run has not ended after ${longest} ms`);
  }
  assert.deepEqual(await store.queue.list(), [], 'the queue is empty at the end');
  return { steps, virtualMs: timeline.now(), events: counts };
};

const longest = 2 * 3_600_000;

const microtasks = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

import { planDigest } from '../../../../plan/digest.ts';
import type { Gate, Plan } from '../../../../plan/plan.ts';
import { withPrinting } from '../../../../plan/printing.ts';
import type { RunFact } from '../../../../run/run-event.ts';
import type { RunState } from '../../../../run/run-state.ts';
import type { Dispatcher } from '../../dispatcher.ts';
import { cancelRun, decideGate, rerun } from '../../requests.ts';
import type { Invariants } from './invariants.ts';
import type { Random } from './random.ts';
import type { SimServer } from './sim-server.ts';
import { lifeIn, type Timeline } from './timeline.ts';

export type SimPeopleDeps = {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly server: SimServer;
  readonly invariants: Invariants;
};

/** Begin a run of a plan, decide about its gates, cancel it or run it again, and try each thing until it has come through or was refused. */
export const startRun = async ({ timeline, random, server, invariants }: SimPeopleDeps, plan: Plan, once: string): Promise<void> => {
  const { wait, after } = lifeIn(timeline);
  const attempt = async <T>(what: (api: Dispatcher) => Promise<T>): Promise<T> => {
    for (;;) {
      const there = server.now();
      const asked = there === undefined ? away : what(there.api).then((value) => ({ value }), refusedOrAway);
      const answer = await Promise.race([asked, wait(30_000).then(() => away)]);
      if (answer !== undefined) return answer.value;
      await wait(random.between(200, 2000));
    }
  };
  const ask = async (what: (api: Dispatcher) => Promise<unknown>): Promise<void> => {
    await attempt(async (api) => void (await what(api))).catch(() => {});
  };

  const { run } = await attempt((api) =>
    api.create({ project: 'acme/app', pipeline: plan.pipeline, trigger: { kind: 'manual', by: 'eve' }, once }),
  );

  if (random.chance(0.25)) {
    const force = random.chance(0.3);
    after(random.between(0, 60_000), () => void ask((api) => api.report(run, cancelRun('eve', force))));
  }
  if (random.chance(0.25)) {
    for (const images of [['one', 'two'], ['three']]) {
      await ask((api) => api.report(run, printing(images)));
      while (hasOpenPrinter(invariants.state(run))) await wait(2000);
    }
  }
  await ask((api) => api.report(run, planned(plan)));

  const decide = (gate: Gate): void => {
    const kind = random.chance(0.8) ? 'approved' : 'rejected';
    const look = (): void => {
      const isOpen = invariants.state(run)?.nodes.get(gate.name)?.phase === 'running';
      if (isOpen) void ask((api) => api.report(run, decideGate(gate.name, planDigest(plan), { kind, by: 'eve', at: timeline.now() })));
      after(random.between(1000, 40_000), look);
    };
    after(random.between(0, 40_000), look);
  };
  for (const node of plan.nodes) {
    const isLeftToTheClock = node.kind === 'gate' && node.timeoutMs !== undefined && random.chance(0.4);
    if (node.kind === 'gate' && !isLeftToTheClock) decide(node);
  }

  const runAgain = (): void => {
    if (invariants.state(run)?.phase === 'finished') void ask((api) => api.report(run, again));
    else after(5_000, runAgain);
  };
  if (random.chance(0.1)) after(30_000, runAgain);
};

const away = undefined;

/** What is refused stays so; all else is tried again. */
const refusedOrAway = (error: unknown): undefined => {
  if (error instanceof Error && 'code' in error && String(error.code).startsWith('GATE_')) throw error;
  return undefined;
};

const fetched: readonly RunFact[] = [
  { kind: 'fetch.started' },
  { kind: 'fetch.finished', source: { commit: 'c0ffee', changedFiles: 0, files: 1, bytes: 1 } },
];

const planned =
  (plan: Plan) =>
  (state: RunState): readonly RunFact[] =>
    state.plan !== undefined || state.phase === 'finished'
      ? []
      : [...(state.printing === undefined ? fetched : []), { kind: 'run.planned', plan, digest: planDigest(plan) }];

/** What was tried and has perhaps come through is not asked for again. */
const printing =
  (images: readonly string[]) =>
  (state: RunState): readonly RunFact[] => {
    const plan = withPrinting(state.printing, images);
    if (state.plan !== undefined || state.phase === 'finished' || plan.nodes.length === state.printing?.nodes.length) return [];
    return [...(state.printing === undefined ? fetched : []), { kind: 'run.printing', plan }];
  };

const hasOpenPrinter = (state: RunState | undefined): boolean =>
  state?.phase === 'running' && state.plan === undefined && state.openNodes > 0;

/** Not for ever, although it may be asked several times. */
const again = (state: RunState): readonly RunFact[] => {
  const isOften = [...state.nodes.values()].some((node) => node.kind === 'stage' && node.attempts.length > 3);
  return isOften ? [] : rerun('all', { kind: 'manual', by: 'eve' })(state);
};

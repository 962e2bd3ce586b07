import { afterEach } from 'node:test';
import type { Claimed, ClaimRequest, ItemAnswer, WorkerFact } from '../../../api/worker-protocol.ts';
import { virtualClock } from '../../../lib/virtual-clock.ts';
import { planDigest } from '../../../plan/digest.ts';
import type { Circumstances, Gate, Plan, Stage, Volume } from '../../../plan/plan.ts';
import { reference, stage } from '../../../plan/stage.ts';
import { fold } from '../../../run/fold.ts';
import type { RunEvent, RunFact } from '../../../run/run-event.ts';
import { memoryStore } from '../../../store/memory/memory-store.ts';
import { defaultLimits, type DispatcherDeps, type ProjectPolicy } from '../dispatcher-deps.ts';
import { makeDispatcher } from '../make-dispatcher.ts';

/** A dispatcher on a store in memory and a clock that stands still, and what tests do to them all the time. */
export const served = (more: Partial<DispatcherDeps> & { readonly policy?: Partial<ProjectPolicy> } = {}) => {
  const clock = virtualClock({ startAt: 1_000_000 });
  const memory = memoryStore();
  const store = { runs: more.runs ?? memory.runs, queue: more.queue ?? memory.queue };
  const failures: unknown[] = [];
  let made = 0;
  const deps: DispatcherDeps = {
    clock,
    newRunId: () => `run_${String(++made).padStart(4, '0')}`,
    policyOf: async () => ({ priority: 0, labels: [], ...more.policy }),
    outsideOf: async () => ({ variables: {}, secrets: {}, encrypted: {}, redact: [] }),
    outputOf: async () => ({ bytes: Buffer.from('busybox:1\n'), sensitive: false }),
    failed: (error) => void failures.push(error),
    limits: defaultLimits,
    ...more,
    ...store,
  };
  let life = new AbortController();
  let dispatcher = makeDispatcher(deps);

  const signal = (): AbortSignal => new AbortController().signal;
  const claim = async (worker = 'w1', more: Partial<ClaimRequest> = {}) =>
    (await settle(dispatcher.claim({ worker, slots: 10, fresh: false, waitMs: 0, labels: [], ...more }, signal()))).claimed;
  /** Time-outs of no length are over as soon as the clock is looked at. */
  const settle = async <T>(promise: Promise<T>): Promise<T> => {
    promise.catch(() => {});
    await clock.advance(0);
    return promise;
  };
  const tell = async (
    { lease }: Pick<Claimed, 'lease'>,
    sequence: number,
    facts: readonly WorkerFact[],
    worker = 'w1',
  ): Promise<ItemAnswer> => {
    const items = [{ item: lease.item, token: lease.token, sequence, facts }];
    const answer = await settle(dispatcher.report({ worker, waitMs: 0, items }, signal()));
    return answer.items[0] ?? { item: lease.item, kind: 'lost' };
  };
  return {
    clock,
    store,
    failures,
    deps,
    claim,
    tell,
    signal,
    get dispatcher() {
      return dispatcher;
    },
    start: () => settle(dispatcher.start(life.signal)),
    /** The server dies, and another takes up what is in the store. */
    restart: async () => {
      life.abort();
      life = new AbortController();
      dispatcher = makeDispatcher(deps);
      await settle(dispatcher.start(life.signal));
    },
    plan: async (
      plan: Plan,
      {
        project = 'acme/app',
        once = undefined as string | undefined,
        only = undefined as readonly string[] | undefined,
        circumstances = undefined as Circumstances | undefined,
      } = {},
    ) => {
      const { run } = await dispatcher.create({
        project,
        pipeline: plan.pipeline,
        trigger: { kind: 'manual', by: 'eve' },
        ...(once === undefined ? {} : { once }),
      });
      await dispatcher.report(run, () => plannedFacts(plan, only, circumstances));
      return run;
    },
    events: (run: string): Promise<readonly RunEvent[]> => store.runs.events(run, 0),
    state: async (run: string) => fold(await store.runs.events(run, 0)),
    outcomes: async (run: string) => {
      const state = fold(await store.runs.events(run, 0));
      return Object.fromEntries([...(state?.nodes.values() ?? [])].map(({ name, phase, outcome }) => [name, outcome ?? phase]));
    },
    end: () => life.abort(),
  };
};

export const plannedFacts = (plan: Plan, only?: readonly string[], circumstances?: Circumstances): readonly RunFact[] => [
  { kind: 'fetch.started' },
  { kind: 'fetch.finished', source: { commit: 'c0ffee', branch: 'main', changedFiles: 0, files: 1, bytes: 1 } },
  { kind: 'source.kept', tree: digest('5'), bytes: 10 },
  { kind: 'run.planned', plan, digest: planDigest(plan), ...(only === undefined ? {} : { only }), ...(circumstances && { circumstances }) },
];

export const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;

export const planOf = (nodes: readonly (Stage | Gate)[], volumes: readonly Volume[] = []): Plan => ({
  version: 1,
  pipeline: 'cion',
  nodes,
  volumes,
});

export const stageOf = (name: string, needs: readonly string[] = [], more: Partial<Stage> = {}): Stage =>
  stage({ name, image: reference('busybox:1'), needs: needs.map((node) => ({ node, on: 'passed' })), ...more });

export const gateOf = (name: string, needs: readonly string[] = [], more: Partial<Gate> = {}): Gate => ({
  kind: 'gate',
  name,
  needs: needs.map((node) => ({ node, on: 'passed' })),
  waitsFor: { kind: 'person', who: [] },
  ...more,
});

const of = ({ lease }: Pick<Claimed, 'lease'>): { readonly stage: string; readonly attempt: number } => {
  const [, stage = '', attempt = ''] = /^[^/]+\/(.+)\/(\d+)$/.exec(lease.item) ?? [];
  return { stage, attempt: Number(attempt) };
};

export const preparing = (claimed: Pick<Claimed, 'lease'>): WorkerFact => ({ kind: 'stage.preparing', ...of(claimed) });
export const startedNow = (claimed: Pick<Claimed, 'lease'>): WorkerFact => ({ kind: 'stage.started', ...of(claimed), container: 'c' });
export const passed = (claimed: Pick<Claimed, 'lease'>): WorkerFact => ({ kind: 'stage.finished', ...of(claimed), outcome: 'passed' });
export const failed = (claimed: Pick<Claimed, 'lease'>): WorkerFact => ({
  kind: 'stage.finished',
  ...of(claimed),
  outcome: 'failed',
  cause: { kind: 'exit', code: 1 },
});

const ends: (() => void)[] = [];

/** One that has started, and ends with the test. */
export const serve = async (more?: Parameters<typeof served>[0]) => {
  const server = served(more);
  ends.push(server.end);
  await server.start();
  return server;
};
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

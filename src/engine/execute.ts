import { setMaxListeners } from 'node:events';
import type { Readable } from 'node:stream';
import type { Clock } from '../lib/clock.ts';
import type { Plan, Stage } from '../plan/plan.ts';
import type { Results } from '../results/results.ts';
import type { Gatekeeper } from '../run/gatekeeper.ts';
import type { Journal } from '../run/journal.ts';
import type { RunEvent, RunFact } from '../run/run-event.ts';
import type { RunState, StageState } from '../run/run-state.ts';
import type { Item, Runtime } from '../runtimes/runtime.ts';
import { runAttempt, type Started } from './attempt.ts';
import type { AttemptDeps } from './attempt-deps.ts';
import { consequencesOf } from './consequences.ts';
import { type FailurePolicy, indexPlan } from './decide.ts';
import type { CacheStore } from './cache-store.ts';
import { makeFiller } from './fill.ts';
import { decidedBefore, openGates } from './gates.ts';
import { itemsOf, mountedArtifacts } from './items.ts';
import { outputsOf } from './outputs.ts';
import { makeQueue } from './queue.ts';
import { makeRecorder } from './recorder.ts';
import type { Sink } from './sink.ts';
import type { TreeStore } from './tree-store.ts';
import { upcoming } from './upcoming.ts';
import type { Outside } from './given.ts';
import { askedOutputs, resolveValues, secretsIn } from './values.ts';

export type ExecuteDeps = {
  readonly journal: Journal;
  /** Whose caches the stages mount: not the project's name, which others may have too. */
  readonly project: string;
  readonly runtime: Runtime;
  readonly results: Results;
  readonly clock: Clock;
  readonly outside: Outside;
  readonly sink: Sink;
  readonly gatekeeper: Gatekeeper;
  /** A tar stream of the run's source tree, as often as it is asked for. */
  source(): Readable;
  readonly caches: CacheStore;
  readonly trees: TreeStore;
};

export type ExecuteOptions = {
  /** Attempts at a time. */
  readonly concurrency: number;
  readonly onFailure: FailurePolicy;
  /** Whether a passed stage that deploys is a Deployment although files were changed. */
  readonly recordChanged: boolean;
  /** Aborts: the run is cancelled, politely; `reason` says by whom. */
  readonly cancel: AbortSignal;
  /** Aborts: at once. */
  readonly force: AbortSignal;
};

export type Executed = {
  readonly state: RunState;
  /** Clean-up that failed: things are left for a later sweep. */
  readonly leftovers?: unknown;
};

/**
 * Carries a planned run to its end: a loop over the queue and the runtime in which the journal is always ahead. Given a journal whose
 * process died, it folds the past, attaches to commands that were let go and goes on; nothing is run twice. Resolves when the run has
 * finished and its things are swept; rejects with JournalError when the journal cannot be written, leaving all as it is for a resume.
 */
export const execute = async (deps: ExecuteDeps, options: ExecuteOptions): Promise<Executed> => {
  const plan = plannedIn(deps.journal);
  const indexed = indexPlan(plan);
  const asked = askedOutputs(plan);
  const mounted = mountedArtifacts(plan);
  const planSecrets = secretsIn(plan, deps.outside);
  const controls = new Map<string, AbortController>();
  const force = new AbortController();
  setMaxListeners(0, force.signal);
  const hinted = new Map<string, Item>();
  const sweeps = new Set<Promise<void>>();
  const attempts = new Set<Promise<void>>();
  const finished = Promise.withResolvers<void>();
  const hints = new AbortController();
  const outputs = outputsOf(deps.results, () => recorder.state());
  const items = itemsOf(plan, deps.project, () => recorder.state(), outputs);
  let leftovers: unknown;

  const run = async ({ stage, attempt, started }: Queued): Promise<void> => {
    const stop = new AbortController();
    const { name } = stage;
    const item = items.of(stage, attempt);
    controls.set(name, stop);
    hinted.delete(name);
    try {
      await runAttempt(attemptDeps, item, { stop: stop.signal, force: force.signal }, started);
      if (recorder.state().phase !== 'finished') sweep(item);
    } catch (error) {
      finished.reject(error);
    } finally {
      controls.delete(name);
    }
  };
  const queue = makeQueue<Queued>(options.concurrency, (queued) => {
    const attempt = run(queued).finally(() => attempts.delete(attempt));
    attempts.add(attempt);
    return attempt;
  });

  const sweep = (item: Item): void => {
    const scope = { kind: 'attempt', run: item.run, stage: item.stage.name, attempt: item.attempt } as const;
    const swept = deps.runtime.sweep(scope, new AbortController().signal).then(
      () => {},
      (error: unknown) => {
        leftovers = error;
      },
    );
    sweeps.add(swept);
    void swept.finally(() => sweeps.delete(swept));
  };

  const consequences = (events: readonly RunEvent[], state: RunState): readonly RunFact[] => {
    const decided = consequencesOf(indexed, events, state, { ...options, now: deps.clock.now() });
    stop(new Set(decided.stop), state);
    return decided.facts;
  };

  /** Runs ahead of the journal without harm: it only ends what runs, and takes back what nobody has begun. */
  const stop = (names: ReadonlySet<string>, state: RunState): void => {
    if (names.size === 0) return;
    for (const { stage, attempt } of queue.withdraw(({ stage }) => names.has(stage.name))) {
      void report([{ kind: 'stage.finished', stage: stage.name, attempt, outcome: 'cancelled', cause: { kind: 'cancelled' } }]);
    }
    for (const name of names) controls.get(name)?.abort();
    if (state.cancel?.force === true) force.abort();
  };

  const act = (events: readonly RunEvent[], state: RunState): void => {
    for (const event of events) {
      deps.sink.event(event, state);
      if (event.kind === 'stage.queued') {
        const stage = indexed.nodes.get(event.stage);
        if (stage?.kind === 'stage') queue.push({ stage, attempt: event.attempt });
      }
      if (event.kind === 'gate.opened') openGate(event.gate, event.at);
      if (event.kind === 'gate.decided' || event.kind === 'gate.skipped') gates.shut(event.gate);
      if (event.kind === 'stage.skipped') forget(event.stage);
      if (event.kind === 'run.finished') finished.resolve();
    }
    for (const event of events) {
      if (event.kind !== 'stage.started' || hinted.size >= ahead(options)) continue;
      hint(
        upcoming(indexed, state, event.stage, ahead(options), items.canForesee).map((stage) => ({
          stage,
          attempt: attemptsOf(state, stage.name) + 1,
        })),
      );
    }
    hint(queue.next(1).filter(({ stage }) => items.canForesee(stage)));
  };

  const hint = (next: readonly Queued[]): void => {
    for (const { stage, attempt } of next) {
      const { name } = stage;
      if (hinted.size >= ahead(options) || hinted.has(name) || controls.has(name)) continue;
      const item = items.of(stage, attempt);
      hinted.set(name, item);
      prepareAhead(item).catch(() => {});
    }
  };

  const prepareAhead = async (item: Item): Promise<void> => {
    const { name } = item.stage;
    const complete = await items.withImages(item);
    if (hinted.get(name) !== item) return;
    await deps.runtime.prepare(complete, (note) => deps.sink.note(name, note), hints.signal);
  };

  const forget = (stage: string): void => {
    const item = hinted.get(stage);
    hinted.delete(stage);
    if (item !== undefined) sweep(item);
  };

  const openGate = (name: string, openedAt: number): void => {
    const gate = indexed.nodes.get(name);
    if (gate?.kind === 'gate') gates.open(gate, openedAt);
  };

  const recorder = makeRecorder(deps.journal, deps.clock, consequences, act);
  const report = (facts: readonly RunFact[]): Promise<void> => recorder.report(facts).catch(finished.reject);

  const gates = openGates({
    gatekeeper: deps.gatekeeper,
    clock: deps.clock,
    since: () => recorder.state().createdAt,
    decided: (fact) => void report([fact]),
    failed: finished.reject,
  });

  const attemptDeps: AttemptDeps = {
    runtime: deps.runtime,
    results: deps.results,
    clock: deps.clock,
    sink: deps.sink,
    caches: deps.caches,
    number: recorder.state().number,
    report: recorder.report,
    fill: makeFiller(plan, deps.runtime, deps, recorder),
    values: (item) => resolveValues(item.stage, deps.outside, outputs.read),
    withImages: items.withImages,
    isAsked: (stage) => asked.has(stage),
    isMounted: (stage) => mounted.has(stage),
    keepOutput: outputs.keep,
    deliver: (work) => work(),
    handOver: async () => {},
    secrets: () => [...planSecrets, ...outputs.secrets()],
  };

  const requestCancel = (force: boolean): void => {
    const by = String(force ? options.force.reason : options.cancel.reason);
    void report([{ kind: 'run.cancel-requested', by, force }]);
  };
  const onCancel = (): void => requestCancel(false);
  const onForce = (): void => requestCancel(true);

  const begin = async (): Promise<void> => {
    const { state } = recorder;
    if (state().phase === 'finished') return finished.resolve();
    const past = [...state().nodes.values()];
    const last = deps.journal.past.at(-1)?.kind;
    const isResume = last !== 'run.planned' && last !== 'run.rerun';
    const decisions = await decisionsMeanwhile();
    for (const node of past) if (node.kind === 'stage') takeUp(node);
    if (options.cancel.aborted) onCancel();
    if (options.force.aborted) onForce();
    options.cancel.addEventListener('abort', onCancel, { once: true });
    options.force.addEventListener('abort', onForce, { once: true });
    await report(isResume ? [{ kind: 'run.resumed' }, ...decisions] : []);
    for (const gate of past) {
      const isOpenStill = gate.phase === 'running' && state().nodes.get(gate.name)?.phase === 'running';
      if (gate.kind === 'gate' && isOpenStill && gate.openedAt !== undefined) openGate(gate.name, gate.openedAt);
    }
  };

  /** How gates were decided while no process carried the run: known before it is asked which of them have expired. */
  const decisionsMeanwhile = async (): Promise<readonly RunFact[]> => {
    const state = recorder.state();
    const facts: RunFact[] = [];
    for (const gate of plan.nodes) {
      const own = state.nodes.get(gate.name);
      if (gate.kind !== 'gate' || own?.kind !== 'gate' || own.phase !== 'running' || own.openedAt === undefined) continue;
      const decision = await decidedBefore(deps.gatekeeper, { gate, openedAt: own.openedAt, since: state.createdAt });
      if (decision !== undefined) facts.push({ kind: 'gate.decided', gate: gate.name, decision });
    }
    return facts;
  };

  /** An attempt that a dead process had under way goes on: attached to when it was let go, else begun anew. */
  const takeUp = (node: StageState): void => {
    const stage = indexed.nodes.get(node.name);
    const attempt = node.attempts.at(-1);
    if (stage?.kind !== 'stage' || attempt === undefined || attempt.phase === 'finished') return;
    const queued = { stage, attempt: attempt.attempt };
    if (attempt.startedAt === undefined) queue.push(queued);
    else queue.enter({ ...queued, started: { ...attempt, startedAt: attempt.startedAt } });
  };

  try {
    await Promise.all([begin(), finished.promise]);
    hints.abort();
    await Promise.all(attempts);
    await Promise.all(sweeps);
    await deps.runtime.sweep({ kind: 'run', run: deps.journal.run }, new AbortController().signal).catch((error: unknown) => {
      leftovers = error;
    });
    return { state: recorder.state(), ...(leftovers === undefined ? {} : { leftovers }) };
  } finally {
    hints.abort();
    gates.shutAll();
    options.cancel.removeEventListener('abort', onCancel);
    options.force.removeEventListener('abort', onForce);
  }
};

type Queued = { readonly stage: Stage; readonly attempt: number; readonly started?: Started };

/** How many attempts are made ready before their turn. */
const ahead = (options: ExecuteOptions): number => Math.max(2, Math.ceil(options.concurrency / 2));

const attemptsOf = (state: RunState, stage: string): number => {
  const node = state.nodes.get(stage);
  return node?.kind === 'stage' ? node.attempts.length : 0;
};

const plannedIn = (journal: Journal): Plan => {
  const planned = journal.past.findLast((event) => event.kind === 'run.planned');
  if (planned?.kind !== 'run.planned') throw new Error(`${journal.run} has no plan yet`);
  return planned.plan;
};

import { dependantsOf } from '../plan/graph.ts';
import type { Gate, Plan, PlanNode, Stage } from '../plan/plan.ts';
import type { Cause, SkipCause } from '../run/outcome.ts';
import type { RunFact } from '../run/run-event.ts';
import { runOutcome } from '../run/run-outcome.ts';
import type { GateState, NodeState, RunState, StageState } from '../run/run-state.ts';
import { type Readiness, readiness } from './needs.ts';
import { retryCause } from './retry.ts';

/**
 * What to do when a stage failed for good. `continue`: all that does not need it still runs. `finish`: what runs may end, nothing new
 * starts. `stop`: what runs is stopped too. Stages marked `always` run in each case.
 */
export type FailurePolicy = 'continue' | 'finish' | 'stop';

/** A plan made ready for deciding in constant time a node. */
export type IndexedPlan = {
  readonly plan: Plan;
  readonly nodes: ReadonlyMap<string, PlanNode>;
  readonly dependants: ReadonlyMap<string, readonly PlanNode[]>;
};

/** `facts`: to be appended, in this order. `stop`: stages whose attempt must be ended; without facts, for its end will be one. */
export type Decided = { readonly facts: readonly RunFact[]; readonly stop: readonly string[] };

export const indexPlan = (plan: Plan): IndexedPlan => ({
  plan,
  nodes: new Map(plan.nodes.map((node) => [node.name, node])),
  dependants: dependantsOf(plan.nodes),
});

/**
 * What follows from a state. Pure. `touched` names the nodes that changed since the last decision: only they and what depends on them
 * is looked at; `'all'` looks at everything and decides the same. Call it again after its facts are folded, until there are none.
 * How many stages run at once is not decided here: the queue is first in, first out, under its own limit.
 */
export const decide = (
  indexed: IndexedPlan,
  state: RunState,
  options: { readonly onFailure: FailurePolicy; readonly now: number },
  touched: Iterable<string> | 'all',
): Decided => {
  if (state.phase === 'finished') return { facts: [], stop: [] };
  const view = viewOf(indexed, state, options);
  const facts: RunFact[] = [];
  const stop: string[] = [];
  for (const name of touched === 'all' || view.isHalted ? indexed.nodes.keys() : withDependants(indexed, touched)) {
    const node = indexed.nodes.get(name);
    const own = state.nodes.get(name);
    if (node?.kind === 'gate' && own?.kind === 'gate') facts.push(...decideGate(view, node, own));
    if (node?.kind === 'stage' && own?.kind === 'stage') {
      facts.push(...decideStage(view, node, own));
      const halt = view.haltOf(node);
      if (halt !== undefined && (own.phase === 'queued' || (own.phase === 'running' && halt.stopsRunning))) stop.push(name);
    }
  }
  if (facts.length === 0 && state.openNodes === 0 && state.plan !== undefined)
    facts.push({ kind: 'run.finished', outcome: runOutcome(state) });
  return { facts, stop };
};

/** Why a node may not start any more. */
type Halt = { readonly cause: SkipCause; readonly stopsRunning: boolean };

type View = {
  readonly state: RunState;
  readonly now: number;
  readonly isHalted: boolean;
  haltOf(node: PlanNode): Halt | undefined;
  readinessOf(node: PlanNode): Readiness;
};

const viewOf = (indexed: IndexedPlan, state: RunState, options: { readonly onFailure: FailurePolicy; readonly now: number }): View => {
  const mayFail = (name: string): boolean => {
    const node = indexed.nodes.get(name);
    return node?.kind === 'stage' && node.mayFail;
  };
  const retries = (name: string): boolean => {
    const node = indexed.nodes.get(name);
    const own = state.nodes.get(name);
    return node?.kind === 'stage' && own?.kind === 'stage' && retryCause(node, own) !== undefined;
  };
  const isFinal = (name: string): boolean => !retries(name) && !(mayFail(name) && state.nodes.get(name)?.outcome === 'failed');
  const failed = options.onFailure === 'continue' ? undefined : state.failures.values().find(isFinal);
  const haltOf = (node: PlanNode): Halt | undefined => {
    const always = node.kind === 'stage' && node.always;
    if (state.cancel !== undefined) return always && !state.cancel.force ? undefined : { cause: { kind: 'cancelled' }, stopsRunning: true };
    if (failed === undefined || always) return undefined;
    return { cause: { kind: 'stopped', node: failed }, stopsRunning: options.onFailure === 'stop' };
  };
  /** A needed stage that is about to be tried again has not ended yet. */
  const settled = (name: string): NodeState | undefined => {
    const node = indexed.nodes.get(name);
    return node !== undefined && retries(name) && haltOf(node) === undefined ? undefined : state.nodes.get(name);
  };
  return {
    state,
    now: options.now,
    isHalted: state.cancel !== undefined || failed !== undefined,
    haltOf,
    readinessOf: (node) => readiness(node, settled, mayFail),
  };
};

const decideStage = (view: View, stage: Stage, own: StageState): readonly RunFact[] => {
  if (own.phase === 'finished') {
    const because = view.haltOf(stage) === undefined ? retryCause(stage, own) : undefined;
    return because === undefined ? [] : [queued(own, because)];
  }
  if (own.phase !== 'waiting') return [];
  const skip = skipOf(view, stage);
  if (skip !== undefined) return [{ kind: 'stage.skipped', stage: stage.name, cause: skip }];
  return view.readinessOf(stage).kind === 'ready' ? [queued(own)] : [];
};

const decideGate = (view: View, gate: Gate, own: GateState): readonly RunFact[] => {
  if (own.phase === 'finished') return [];
  const skip = own.phase === 'waiting' ? skipOf(view, gate) : view.haltOf(gate)?.cause;
  if (skip !== undefined) return [{ kind: 'gate.skipped', gate: gate.name, cause: skip }];
  if (own.phase !== 'waiting') {
    return isExpired(gate, own, view.now)
      ? [{ kind: 'gate.decided', gate: gate.name, decision: { kind: 'expired', by: 'clock', at: view.now } }]
      : [];
  }
  return view.readinessOf(gate).kind === 'ready' ? [{ kind: 'gate.opened', gate: gate.name }] : [];
};

/** Why a node that waits will never run; `undefined` when it still may. */
const skipOf = (view: View, node: PlanNode): SkipCause | undefined => {
  if (view.state.only?.has(node.name) === false) return { kind: 'not-selected' };
  const halt = view.haltOf(node);
  if (halt !== undefined) return halt.cause;
  const answer = view.readinessOf(node);
  return answer.kind === 'skip' ? answer.cause : undefined;
};

const queued = (own: StageState, because?: Cause): RunFact => ({
  kind: 'stage.queued',
  stage: own.name,
  attempt: own.attempts.length + 1,
  ...(because === undefined ? {} : { because }),
});

const isExpired = (gate: Gate, own: GateState, now: number): boolean =>
  gate.timeoutMs !== undefined && own.openedAt !== undefined && now >= own.openedAt + gate.timeoutMs;

function* withDependants(indexed: IndexedPlan, touched: Iterable<string>): Iterable<string> {
  const seen = new Set<string>();
  for (const name of touched) {
    if (!seen.has(name)) yield name;
    seen.add(name);
    for (const { name: dependant } of indexed.dependants.get(name) ?? []) {
      if (!seen.has(dependant)) yield dependant;
      seen.add(dependant);
    }
  }
}

import { dependantsOf } from '../plan/graph.ts';
import type { Gate, Plan, PlanNode, Stage } from '../plan/plan.ts';
import type { Cause, SkipCause } from '../run/outcome.ts';
import type { RunFact } from '../run/run-event.ts';
import { runOutcome } from '../run/run-outcome.ts';
import type { GateState, RunState, StageState } from '../run/run-state.ts';
import { readiness } from './needs.ts';
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
  const failed = options.onFailure === 'continue' ? undefined : firstFinalFailure(indexed, state);
  const halted = state.cancel !== undefined || failed !== undefined;
  const names = touched === 'all' || halted ? indexed.nodes.keys() : withDependants(indexed, touched);
  const facts: RunFact[] = [];
  const stop: string[] = [];
  for (const name of names) {
    const node = indexed.nodes.get(name);
    const nodeState = state.nodes.get(name);
    if (node === undefined || nodeState === undefined) continue;
    const halt = halted ? haltOf(node, state, failed, options.onFailure) : undefined;
    if (node.kind === 'gate' && nodeState.kind === 'gate') facts.push(...decideGate(indexed, node, nodeState, state, halt, options.now));
    if (node.kind === 'stage' && nodeState.kind === 'stage') {
      facts.push(...decideStage(indexed, node, nodeState, state, halt));
      if (halt !== undefined && (nodeState.phase === 'queued' || (nodeState.phase === 'running' && halt.stopsRunning))) stop.push(name);
    }
  }
  if (facts.length === 0 && state.openNodes === 0) facts.push({ kind: 'run.finished', outcome: runOutcome(state) });
  return { facts, stop };
};

type Halt = { readonly cause: SkipCause; readonly stopsRunning: boolean };

const haltOf = (node: PlanNode, state: RunState, failed: string | undefined, onFailure: FailurePolicy): Halt | undefined => {
  const always = node.kind === 'stage' && node.always;
  if (state.cancel !== undefined) return always && !state.cancel.force ? undefined : { cause: { kind: 'cancelled' }, stopsRunning: true };
  if (failed === undefined || always) return undefined;
  return { cause: { kind: 'stopped', node: failed }, stopsRunning: onFailure === 'stop' };
};

const decideStage = (indexed: IndexedPlan, stage: Stage, own: StageState, state: RunState, halt: Halt | undefined): readonly RunFact[] => {
  if (own.phase === 'finished') {
    const because = halt === undefined ? retryCause(stage, own) : undefined;
    return because === undefined ? [] : [queued(own, because)];
  }
  if (own.phase !== 'waiting') return [];
  if (state.only?.has(stage.name) === false) return [{ kind: 'stage.skipped', stage: stage.name, cause: { kind: 'not-selected' } }];
  if (halt !== undefined) return [{ kind: 'stage.skipped', stage: stage.name, cause: halt.cause }];
  const answer = readiness(stage, settledState(indexed, stage, state), mayFailIn(indexed));
  if (answer.kind === 'waits') return [];
  return answer.kind === 'ready' ? [queued(own)] : [{ kind: 'stage.skipped', stage: stage.name, cause: answer.cause }];
};

const decideGate = (
  indexed: IndexedPlan,
  gate: Gate,
  own: GateState,
  state: RunState,
  halt: Halt | undefined,
  now: number,
): readonly RunFact[] => {
  if (own.phase === 'finished') return [];
  if (own.phase === 'waiting' && state.only?.has(gate.name) === false) {
    return [{ kind: 'gate.skipped', gate: gate.name, cause: { kind: 'not-selected' } }];
  }
  if (halt !== undefined) return [{ kind: 'gate.skipped', gate: gate.name, cause: halt.cause }];
  if (own.phase === 'running')
    return expired(gate, own, now) ? [{ kind: 'gate.decided', gate: gate.name, decision: { kind: 'expired', by: 'clock', at: now } }] : [];
  const answer = readiness(gate, settledState(indexed, gate, state), mayFailIn(indexed));
  if (answer.kind === 'waits') return [];
  return answer.kind === 'ready'
    ? [{ kind: 'gate.opened', gate: gate.name }]
    : [{ kind: 'gate.skipped', gate: gate.name, cause: answer.cause }];
};

const queued = (own: StageState, because?: Cause): RunFact => ({
  kind: 'stage.queued',
  stage: own.name,
  attempt: own.attempts.length + 1,
  ...(because === undefined ? {} : { because }),
});

const expired = (gate: Gate, own: GateState, now: number): boolean =>
  gate.timeoutMs !== undefined && own.openedAt !== undefined && now >= own.openedAt + gate.timeoutMs;

const mayFailIn =
  (indexed: IndexedPlan) =>
  (name: string): boolean => {
    const node = indexed.nodes.get(name);
    return node?.kind === 'stage' && node.mayFail;
  };

/** A needed stage that is about to be tried again has not ended yet. */
const settledState = (indexed: IndexedPlan, node: PlanNode, state: RunState): RunState => {
  const retrying = node.needs.filter((need) => willRetry(indexed, state, need.node));
  if (retrying.length === 0) return state;
  const nodes = new Map(node.needs.map((need) => [need.node, state.nodes.get(need.node)] as const));
  for (const { node: name } of retrying) nodes.delete(name);
  return { ...state, nodes: new Map([...nodes].flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))) };
};

const willRetry = (indexed: IndexedPlan, state: RunState, name: string): boolean => {
  const node = indexed.nodes.get(name);
  const own = state.nodes.get(name);
  return state.cancel === undefined && node?.kind === 'stage' && own?.kind === 'stage' && retryCause(node, own) !== undefined;
};

const firstFinalFailure = (indexed: IndexedPlan, state: RunState): string | undefined => {
  for (const name of state.failures) {
    const forgiven = mayFailIn(indexed)(name) && state.nodes.get(name)?.outcome === 'failed';
    if (!forgiven && !willRetry(indexed, state, name)) return name;
  }
  return undefined;
};

function* withDependants(indexed: IndexedPlan, touched: Iterable<string>): Iterable<string> {
  const seen = new Set<string>();
  for (const name of touched) {
    for (const candidate of [name, ...(indexed.dependants.get(name) ?? []).map((node) => node.name)]) {
      if (seen.has(candidate)) continue;
      seen.add(candidate);
      yield candidate;
    }
  }
}

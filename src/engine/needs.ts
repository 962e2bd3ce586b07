import type { Need, PlanNode } from '../plan/plan.ts';
import type { Outcome, SkipCause } from '../run/outcome.ts';
import type { NodeState } from '../run/run-state.ts';

/** What a node's needs say about it now. */
export type Readiness = { readonly kind: 'ready' } | { readonly kind: 'waits' } | { readonly kind: 'skip'; readonly cause: SkipCause };

/**
 * A node is ready when its own needs are met, whatever else runs: no levels, no waves. A need that ended the other way skips the node.
 * A needed node that was itself skipped by a condition is neutral: a join after two branches runs when one of them ran; when all of a
 * node's needs are neutral it is skipped too. To a stage that runs `always`, a skipped node has finished. Left-out nodes of a partial run count as met.
 */
export const readiness = (
  node: PlanNode,
  stateOf: (name: string) => NodeState | undefined,
  mayFail: (name: string) => boolean,
): Readiness => {
  let met = node.needs.length === 0;
  let neutral: SkipCause | undefined;
  for (const need of node.needs) {
    const answer = answerOf(need, stateOf(need.node), mayFail(need.node), node.kind === 'stage' && node.always);
    if (answer === 'open') return { kind: 'waits' };
    if (answer === 'met') met = true;
    else if (answer.neutral) neutral ??= answer.cause;
    else return { kind: 'skip', cause: answer.cause };
  }
  return met || neutral === undefined ? { kind: 'ready' } : { kind: 'skip', cause: neutral };
};

type Answer = 'open' | 'met' | { readonly neutral: boolean; readonly cause: SkipCause };

const answerOf = (need: Need, node: NodeState | undefined, mayFail: boolean, always: boolean): Answer => {
  if (node === undefined || node.phase !== 'finished' || node.outcome === undefined) return 'open';
  if (node.outcome === 'skipped') return always && need.on === 'finished' ? 'met' : answerOfSkipped(need, node.skip);
  if (need.on === 'finished' || need.on === node.outcome) return 'met';
  const isCondition = need.on === 'failed' ? node.outcome === 'passed' : mayFail && node.outcome === 'failed';
  return { neutral: false, cause: skipCause(isCondition, need.node, node.outcome) };
};

const answerOfSkipped = (need: Need, cause: SkipCause | undefined): Answer => {
  if (cause?.kind === 'not-selected') return 'met';
  const byCondition = cause?.kind === 'condition';
  return { neutral: byCondition || need.on === 'finished', cause: skipCause(byCondition, need.node, 'skipped') };
};

const skipCause = (isCondition: boolean, node: string, outcome: Outcome): SkipCause => ({
  kind: isCondition ? 'condition' : 'need',
  node,
  outcome,
});

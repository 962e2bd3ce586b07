import type { Outcome } from './outcome.ts';
import type { RunState } from './run-state.ts';

/**
 * How a whole run ended, given how its nodes ended. Cancelled is what somebody cancelled; a stage that was stopped because another had failed is not. That a stage marked `mayFail` failed does not count, that it errored does; a node
 * skipped by its condition does not count. Errored goes before failed: then it is not known what the user's commands would have said.
 */
export const runOutcome = (state: RunState): Outcome => {
  if (state.plan === undefined)
    return state.fetch.outcome === undefined || state.fetch.outcome === 'passed' ? 'cancelled' : state.fetch.outcome;
  const forgiven = new Set(state.plan.nodes.flatMap((node) => (node.kind === 'stage' && node.mayFail ? [node.name] : [])));
  const seen = new Set<Outcome>();
  for (const node of state.nodes.values()) {
    if (node.outcome === 'cancelled' || node.skip?.kind === 'cancelled') seen.add('cancelled');
    else if (node.outcome !== undefined && !(node.outcome === 'failed' && forgiven.has(node.name))) seen.add(node.outcome);
  }
  if (state.cancel !== undefined && seen.has('cancelled')) return 'cancelled';
  if (seen.has('errored')) return 'errored';
  return seen.has('failed') ? 'failed' : 'passed';
};

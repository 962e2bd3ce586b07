import type { RunEvent } from '../run/run-event.ts';
import type { RunState } from '../run/run-state.ts';
import { type Decided, decide, type FailurePolicy, type IndexedPlan } from './decide.ts';
import { deploymentOf } from './deployment.ts';

/** What follows from events that were just folded, or from the state as it is when there are none. Pure. */
export const consequencesOf = (
  indexed: IndexedPlan,
  events: readonly RunEvent[],
  state: RunState,
  options: { readonly onFailure: FailurePolicy; readonly recordChanged: boolean; readonly now: number },
): Decided => {
  const touched = events.length === 0 || events.some(touchesAll) ? 'all' : new Set(events.flatMap(touchedBy));
  if (touched !== 'all' && touched.size === 0) return { facts: [], stop: [] };
  const decided = decide(indexed, state, options, touched);
  const deployments = events.flatMap((event) => deploymentOf(event, indexed.nodes, state, options.recordChanged));
  return { facts: [...deployments, ...decided.facts], stop: decided.stop };
};

const touchesAll = (event: RunEvent): boolean =>
  event.kind === 'run.planned' ||
  event.kind === 'run.printing' ||
  event.kind === 'run.resumed' ||
  event.kind === 'run.rerun' ||
  event.kind === 'run.cancel-requested';

/** Only how a node ended changes what others may do; one that is back in the queue may have been cancelled meanwhile. */
const touchedBy = (event: RunEvent): readonly string[] => {
  switch (event.kind) {
    case 'stage.finished':
    case 'stage.skipped':
    case 'stage.returned':
      return [event.stage];
    case 'gate.decided':
    case 'gate.skipped':
      return [event.gate];
    default:
      return [];
  }
};

import type { Cancel } from '../../api/worker-protocol.ts';
import type { Stage } from '../../plan/plan.ts';
import type { AttemptState, RunState } from '../../run/run-state.ts';

/** The newest, whatever became of it. */
export const newestAttempt = ({ nodes }: RunState, stage: string): AttemptState | undefined => {
  const node = nodes.get(stage);
  return node?.kind === 'stage' ? node.attempts.at(-1) : undefined;
};

/** That attempt while it is the newest and has not finished. */
export const openAttempt = (state: RunState, stage: string, attempt: number): AttemptState | undefined => {
  const newest = newestAttempt(state, stage);
  return newest?.attempt === attempt && newest.phase !== 'finished' ? newest : undefined;
};

/** What whoever runs a stage is told: a stage marked `always` runs on, unless it is by force. */
export const cancelOf = ({ cancel }: RunState, { always }: Stage): Cancel => {
  if (cancel === undefined) return 'no';
  if (cancel.force) return 'force';
  return always ? 'no' : 'stop';
};

import type { ApprovalState, RunState } from './run-state.ts';

/** What somebody has to approve before the run begins; `undefined`: nothing, or not any more. */
export const openApproval = ({ phase, approval }: Pick<RunState, 'phase' | 'approval'>): ApprovalState | undefined =>
  phase === 'finished' || approval?.decision !== undefined ? undefined : approval;

/** Whether it was to be approved and ended before it had a plan: another run of the same commit may be asked for. */
export const mayAskAgain = ({ phase, plan, approval }: Pick<RunState, 'phase' | 'plan' | 'approval'>): boolean =>
  phase === 'finished' && plan === undefined && approval !== undefined;

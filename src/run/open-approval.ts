import type { ApprovalState, RunState } from './run-state.ts';

/** What somebody has to approve before the run begins; `undefined`: nothing, or not any more. */
export const openApproval = ({ phase, approval }: Pick<RunState, 'phase' | 'approval'>): ApprovalState | undefined =>
  phase === 'finished' || approval?.decision !== undefined ? undefined : approval;

import { openApproval } from '../../run/open-approval.ts';
import type { Decision, RunFact } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';
import { ApprovalError } from './approval-error.ts';

/**
 * A decision about a run that waits for approval, bound to the commit that was shown (atk-10). It is taken once, by this run alone, and not when its time is over, whether
 * or not somebody has noted that already (atk-11, atk-12). Throws APPROVAL_CLOSED or APPROVAL_CHANGED. For `Dispatcher.report`.
 */
export const decideApproval =
  (commit: string, decision: Decision) =>
  (state: RunState): readonly RunFact[] => {
    const open = openApproval(state);
    if (open === undefined) throw new ApprovalError('APPROVAL_CLOSED', `Run ${state.number} ${closedWords(state)}.`);
    if (decision.at >= open.until) throw new ApprovalError('APPROVAL_CLOSED', `The time to approve run ${state.number} is over.`);
    if (open.commit !== commit) {
      throw new ApprovalError('APPROVAL_CHANGED', `Run ${state.number} is about ${open.commit}, which is not what was shown.`);
    }
    return [{ kind: 'approval.decided', decision }];
  };

/** Its time is over. Nothing where it was decided before. For `Dispatcher.report`. */
export const expireApproval =
  (at: number) =>
  (state: RunState): readonly RunFact[] =>
    openApproval(state) === undefined ? [] : [{ kind: 'approval.decided', decision: { kind: 'expired', by: 'clock', at } }];

const closedWords = ({ phase, approval }: RunState): string => {
  const { kind, by } = approval?.decision ?? {};
  if (kind === 'expired') return 'was not approved in time, and has ended';
  if (kind !== undefined) return `was ${kind} by ${by} already`;
  return phase === 'finished' ? 'has ended' : 'waits for no approval';
};

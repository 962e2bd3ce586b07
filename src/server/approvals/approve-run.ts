import type { Clock } from '../../lib/clock.ts';
import type { Decision, RunFact } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';
import type { AccountStore } from '../../store/accounts.ts';
import type { ApprovedAuthors } from '../../store/approved-authors.ts';
import type { Project } from '../../store/projects.ts';
import type { RunRow } from '../../store/run-store.ts';
import type { Actor, Guard } from '../actor.ts';
import { nameOf } from '../project-access.ts';
import { ApprovalError } from './approval-error.ts';
import { authorsOf, isAuthor } from './authors.ts';
import { decideApproval } from './decide-approval.ts';

export type ApproveDeps = {
  readonly dispatcher: { report(run: string, facts: (state: RunState) => readonly RunFact[]): Promise<RunState> };
  readonly accounts: Pick<AccountStore, 'get'>;
  readonly approvedAuthors: Pick<ApprovedAuthors, 'add'>;
  readonly guard: Pick<Guard, 'note'>;
  readonly clock: Pick<Clock, 'now'>;
};

/** `actor`: who may decide in that project. */
export type Approving = {
  readonly actor: Actor;
  readonly project: Project;
  readonly row: RunRow;
  readonly wanted: { readonly decision: 'approved' | 'rejected'; readonly commit: string; readonly reason?: string };
};

/** Says yes or no to a run that waits for approval. What is refused is noted, too. Rejects with ApprovalError. */
export type ApproveRun = (approving: Approving) => Promise<RunState>;

export const approveRun =
  ({ dispatcher, accounts, approvedAuthors, guard, clock }: ApproveDeps): ApproveRun =>
  async ({ actor, project, row: { run, number, trigger }, wanted: { decision: kind, commit, reason } }) => {
    const note = (outcome: 'done' | 'refused', more: Readonly<Record<string, string>> = {}): Promise<void> =>
      guard.note({ actor, action: `approval.${kind}`, project: project.name, outcome, detail: { run, commit, ...more } });
    try {
      const account = actor.kind === 'account' ? await accounts.get(actor.account) : undefined;
      if (kind === 'approved' && account !== undefined && isAuthor(account, project, trigger)) {
        throw new ApprovalError('APPROVAL_OWN', `Run ${number} is of a change of your own: somebody else approves it.`);
      }
      const decision: Decision = { kind, by: nameOf(actor), at: clock.now(), ...(reason === undefined ? {} : { reason }) };
      const state = await dispatcher.report(run, decideApproval(commit, decision));
      await note('done');
      if (kind === 'approved') await approvedAuthors.add(project.name, authorsOf(trigger));
      return state;
    } catch (error) {
      if (error instanceof ApprovalError) await note('refused', { why: error.code });
      throw error;
    }
  };

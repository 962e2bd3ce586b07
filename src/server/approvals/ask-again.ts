import { mayAskAgain } from '../../run/open-approval.ts';
import type { RunState } from '../../run/run-state.ts';
import type { Project } from '../../store/projects.ts';
import type { RunRequests } from '../../store/run-requests.ts';
import type { RunRow } from '../../store/run-store.ts';
import type { Actor, Guard } from '../actor.ts';
import type { BeginRun } from '../runs/begin-run.ts';
import { requestOf } from '../runs/request-of.ts';
import { ApprovalError } from './approval-error.ts';

export type AskAgainDeps = {
  readonly dispatcher: { state(run: string): Promise<RunState | undefined> };
  readonly requests: Pick<RunRequests, 'of'>;
  readonly beginRun: BeginRun;
  readonly guard: Pick<Guard, 'note'>;
};

/** `actor`: who may decide in that project. */
export type AskingAgain = { readonly actor: Actor; readonly project: Pick<Project, 'name'>; readonly row: RunRow };

/**
 * Begins another run of the commit of a fork whose run ended before it had a plan: rejected, expired, cancelled while it waited. It is as untrusted as that one was, and waits
 * anew (docs/adr/0086-asked-again.md). However often and by whom it is asked for, there is one for each that ended. Rejects with APPROVAL_AGAIN.
 */
export type AskAgain = (asking: AskingAgain) => ReturnType<BeginRun>;

export const askAgain =
  ({ dispatcher, requests, beginRun, guard }: AskAgainDeps): AskAgain =>
  async ({ actor, project, row: { run, number } }) => {
    const state = await dispatcher.state(run);
    const kept = await requests.of(run);
    if (state === undefined || kept === undefined || !mayAskAgain(state)) {
      throw new ApprovalError('APPROVAL_AGAIN', `Run ${number} is none of a fork that has ended before it was let begin.`);
    }
    const begun = await beginRun({ ...requestOf(kept), project: project.name, once: `again/${run}` });
    const detail = { run, commit: state.approval?.commit ?? '', again: begun.run };
    await guard.note({ actor, action: 'approval.again', project: project.name, outcome: 'done', detail });
    return begun;
  };

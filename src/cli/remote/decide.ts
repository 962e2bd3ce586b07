import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { findGate, onlyGate } from '../find-gate.ts';
import { visible } from '../printers/visible.ts';
import { Refusal } from '../refusal.ts';
import type { RunPlace } from '../run-place.ts';
import { write } from '../write.ts';
import { openRemoteProject, type RemoteOptions } from './open-remote.ts';
import { remoteRuns } from './remote-runs.ts';

/** Decides an open gate of a run on a server, or a whole run that waits for approval, in the name of who is logged in (R-DCO-36). */
export const decideRemote = async (
  context: Context,
  decision: 'approved' | 'rejected',
  first: string | undefined,
  second: string | undefined,
  options: RemoteOptions & { readonly by?: string; readonly reason?: string },
): Promise<ExitCode> => {
  if (options.by !== undefined) throw new Refusal('USAGE', '--by is for runs on this machine: a server knows who asks.');
  const remote = await openRemoteProject(context, options);
  const reason = options.reason === undefined ? {} : { reason: options.reason };
  const runs = remoteRuns(remote);
  const waiting = first === undefined || second !== undefined ? undefined : await waitingRun(runs, first);
  if (waiting !== undefined) {
    const { number, commit, what } = waiting;
    await remote.api.decideApproval(remote.project, number, { decision, commit, ...reason });
    await write(context.stdout, `Run ${number} is ${decision}: ${visible(commit)} of ${visible(what)}.\n`);
    return exitCodes.passed;
  }
  const { state, gate, own } = first === undefined ? await onlyGate(runs) : await findGate(runs, first, second);
  await remote.api.decide(remote.project, state.number, gate.name, {
    decision,
    digest: state.digest ?? '',
    openedAt: own.openedAt ?? 0,
    ...reason,
  });
  await write(context.stdout, `Run ${state.number}: ${visible(gate.name)} is ${decision}.\n`);
  return exitCodes.passed;
};

/** The run that a word names, when it waits for approval, or never began because it was not approved. */
const waitingRun = async (
  runs: RunPlace,
  wanted: string,
): Promise<{ readonly number: number; readonly commit: string; readonly what: string } | undefined> => {
  if (!/^(?:#?\d{1,9}|run_.*)$/.test(wanted) || !(await runs.has(wanted))) return undefined;
  const { number, trigger, approval, plan } = await runs.read(wanted);
  if (approval === undefined || plan !== undefined) return undefined;
  const what = trigger.kind === 'pull-request' ? `pull request ${trigger.number} by ${trigger.by}` : trigger.kind;
  return { number, commit: approval.commit, what };
};

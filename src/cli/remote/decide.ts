import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { findGate, onlyWaiting, type Waiting } from '../find-gate.ts';
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
  const { reason } = options;
  const runs = remoteRuns(remote);
  const waiting =
    first === undefined ? await onlyWaiting(runs) : ((await namedFork(runs, first, second)) ?? (await namedGate(runs, first, second)));
  const because = reason === undefined ? {} : { reason };
  if (waiting.kind === 'fork') {
    const { number, trigger, approval } = waiting.state;
    const commit = approval?.commit ?? '';
    await remote.api.decideApproval(remote.project, number, { decision, commit, ...because });
    const what = trigger.kind === 'pull-request' ? `pull request ${trigger.number} by ${trigger.by}` : trigger.kind;
    await write(context.stdout, `Run ${number} is ${decision}: ${visible(commit)} of ${visible(what)}.\n`);
    return exitCodes.passed;
  }
  const { state, gate, own } = waiting.found;
  await remote.api.decide(remote.project, state.number, gate.name, {
    decision,
    digest: state.digest ?? '',
    openedAt: own.openedAt ?? 0,
    ...because,
  });
  await write(context.stdout, `Run ${state.number}: ${visible(gate.name)} is ${decision}.\n`);
  return exitCodes.passed;
};

/** The run that a word names, when it waits for approval, or never began because it was not approved. */
const namedFork = async (runs: RunPlace, first: string, second: string | undefined): Promise<Waiting | undefined> => {
  if (second !== undefined || !/^(?:#?\d{1,9}|run_.*)$/.test(first) || !(await runs.has(first))) return undefined;
  const state = await runs.read(first);
  return state.approval === undefined || state.plan !== undefined ? undefined : { kind: 'fork', state };
};

const namedGate = async (runs: RunPlace, first: string, second: string | undefined): Promise<Waiting> => ({
  kind: 'gate',
  found: await findGate(runs, first, second),
});

import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { findGate } from '../find-gate.ts';
import { visible } from '../printers/visible.ts';
import { Refusal } from '../refusal.ts';
import { write } from '../write.ts';
import { openRemoteProject, type RemoteOptions } from './open-remote.ts';
import { remoteRuns } from './remote-runs.ts';

/** Decides an open gate of a run on a server, in the name of who is logged in (R-DCO-36). */
export const decideRemote = async (
  context: Context,
  decision: 'approved' | 'rejected',
  first: string | undefined,
  second: string | undefined,
  options: RemoteOptions & { readonly by?: string; readonly reason?: string },
): Promise<ExitCode> => {
  if (options.by !== undefined) throw new Refusal('USAGE', '--by is for runs on this machine: a server knows who asks.');
  const remote = await openRemoteProject(context, options);
  const { state, gate, own } = await findGate(remoteRuns(remote), first, second);
  const { reason } = options;
  await remote.api.decide(remote.project, state.number, gate.name, {
    decision,
    digest: state.digest ?? '',
    openedAt: own.openedAt ?? 0,
    ...(reason === undefined ? {} : { reason }),
  });
  await write(context.stdout, `Run ${state.number}: ${visible(gate.name)} is ${decision}.\n`);
  return exitCodes.passed;
};

import type { PrinterOptions } from '../open-printer.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { fold } from '../../run/fold.ts';
import { mayAskAgain } from '../../run/open-approval.ts';
import { write } from '../write.ts';
import type { RemoteProject } from './open-remote.ts';
import { eventsOf, numberOf } from './remote-runs.ts';
import { stayWith } from './stay-with.ts';

/** Further attempts of a run on a server (R-CIO-33); of one of a fork that was not let begin, another run of its commit, which waits anew. */
export const rerunOn = async (
  context: Context,
  remote: RemoteProject,
  wanted: string | undefined,
  options: PrinterOptions & { readonly failed?: true; readonly detach?: true },
): Promise<ExitCode> => {
  const number = await numberOf(remote, wanted);
  const past = await eventsOf(remote, number);
  const state = fold(past);
  if (state !== undefined && mayAskAgain(state)) {
    const { run, number: other } = await remote.api.askAgain(remote.project, number);
    const text = options.json
      ? JSON.stringify({ run, number: other, project: remote.project })
      : `Run ${other} is of the same commit, and waits for approval anew: cion approve ${other}${remote.place} lets it begin.`;
    await write(context.stdout, `${text}\n`);
    return exitCodes.passed;
  }
  const stages = await remote.api.rerun(remote.project, number, options.failed ? 'failed' : 'all');
  if (stages.length === 0) {
    await write(context.stdout, `All stages of run ${number} passed: there is nothing to run again.\n`);
    return exitCodes.passed;
  }
  if (!options.detach) return stayWith(context, remote, number, past, options);
  await write(context.stdout, `Run ${number} goes on: cion show ${number} -f${remote.place} watches it.\n`);
  return exitCodes.passed;
};

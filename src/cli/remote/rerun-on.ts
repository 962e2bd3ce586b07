import type { PrinterOptions } from '../open-printer.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { write } from '../write.ts';
import type { RemoteProject } from './open-remote.ts';
import { eventsOf, numberOf } from './remote-runs.ts';
import { stayWith } from './stay-with.ts';

/** Further attempts of a run on a server (R-CIO-33). */
export const rerunOn = async (
  context: Context,
  remote: RemoteProject,
  wanted: string | undefined,
  options: PrinterOptions & { readonly failed?: true; readonly detach?: true },
): Promise<ExitCode> => {
  const number = await numberOf(remote, wanted);
  const past = await eventsOf(remote, number);
  const stages = await remote.api.rerun(remote.project, number, options.failed ? 'failed' : 'all');
  if (stages.length === 0) {
    await write(context.stdout, `All stages of run ${number} passed: there is nothing to run again.\n`);
    return exitCodes.passed;
  }
  if (!options.detach) return stayWith(context, remote, number, past, options);
  await write(context.stdout, `Run ${number} goes on: cion show ${number} -f${remote.place} watches it.\n`);
  return exitCodes.passed;
};

import type { Context } from '../context.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { PrinterOptions } from '../open-printer.ts';
import { visible } from '../printers/visible.ts';
import { openRemoteProject, type RemoteOptions } from '../remote/open-remote.ts';
import { numberOf } from '../remote/remote-runs.ts';
import { stayOrLeave } from '../remote/run-on.ts';

export type RollbackOptions = RemoteOptions & PrinterOptions & { readonly to?: string; readonly detach?: true };

/** Has a server run an earlier release of an environment again, with the files and images that it had (R-CIO-18). */
export const rollback = async (context: Context, environment: string, options: RollbackOptions): Promise<ExitCode> => {
  const remote = await openRemoteProject(context, options);
  const to = options.to === undefined ? {} : { run: await numberOf(remote, options.to) };
  const begun = await remote.api.rollback(remote.project, environment, to);
  if (!options.json)
    context.stderr.write(`cion: run ${begun.number} brings the release of run ${begun.from} back to ${visible(environment)}\n`);
  return stayOrLeave(context, remote, begun, options);
};

import { ownerOf } from '../../local/lock.ts';
import type { RunSummary } from '../../local/run-summary.ts';
import { listRuns } from '../../local/runs.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { looks } from '../looks.ts';
import { runList } from '../printers/run-list.ts';
import { isRemote, openRemoteProject, type RemoteOptions } from '../remote/open-remote.ts';
import { runsOn } from '../remote/runs-on.ts';
import { write, writeLines } from '../write.ts';
import { openProject } from './open-project.ts';

export type RunsOptions = RemoteOptions & {
  readonly all?: true;
  readonly branch?: string;
  readonly outcome?: string;
  readonly json?: true;
};

const usualCount = 20;

/** The runs of the project, the newest first: also the record of which commits passed (R-CIO-17). */
export const runs = async (context: Context, options: RunsOptions): Promise<ExitCode> => {
  if (isRemote(options)) return runsOn(context, await openRemoteProject(context, options), options);
  const { all, branch, outcome, json } = options;
  const { stateDir } = await openProject(context);
  const isWanted = (run: RunSummary): boolean =>
    (branch === undefined || run.source?.branch === branch) && (outcome === undefined || run.outcome === outcome);
  const wanted: (RunSummary & { readonly isLeft?: boolean })[] = [];
  for await (const run of listRuns(stateDir)) {
    if (!isWanted(run)) continue;
    const isLeft = run.phase !== 'finished' && (await ownerOf(stateDir, run.run)) === undefined;
    if (json) await write(context.stdout, `${JSON.stringify({ ...run, ...(isLeft ? { isLeft } : {}) })}\n`);
    else wanted.push({ ...run, isLeft });
    if (!all && wanted.length === usualCount) break;
  }
  if (!json) await writeLines(context.stdout, runList(wanted, Date.now(), looks(context)));
  return exitCodes.passed;
};

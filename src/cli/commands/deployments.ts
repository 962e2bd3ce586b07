import { deployedAt, deploymentHistory, type LedgerEntry } from '../../local/ledger.ts';
import type { RunSummary } from '../../local/run-summary.ts';
import { listRuns } from '../../local/runs.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { looks } from '../looks.ts';
import { deployments as deploymentLines } from '../printers/deployments.ts';
import { deploymentsOn } from '../remote/deployments-on.ts';
import { isRemote, openRemoteProject, type RemoteOptions } from '../remote/open-remote.ts';
import { writeLines } from '../write.ts';
import { openProject } from './open-project.ts';

export type DeploymentsOptions = RemoteOptions & { readonly at?: string; readonly json?: true };

/** What was deployed where, answered from the events of all runs (R-CIO-18). */
export const deployments = async (context: Context, options: DeploymentsOptions): Promise<ExitCode> => {
  const { at, json } = options;
  const rows = isRemote(options) ? await deploymentsOn(await openRemoteProject(context, options), at) : await deploymentsHere(context, at);
  const lines = json ? rows.map((row) => JSON.stringify(row)) : deploymentLines(rows, Date.now(), looks(context), at);
  await writeLines(context.stdout, lines);
  return exitCodes.passed;
};

const deploymentsHere = async (context: Context, at: string | undefined): Promise<readonly LedgerEntry[]> => {
  const history = await historyHere(context);
  return at === undefined ? history : [deployedAt(history, at)].filter((entry) => entry !== undefined);
};

export const historyHere = async (context: Context): Promise<readonly LedgerEntry[]> => {
  const { stateDir } = await openProject(context);
  const runs: RunSummary[] = [];
  for await (const run of listRuns(stateDir)) runs.push(run);
  return deploymentHistory(runs);
};

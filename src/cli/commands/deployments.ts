import { deployedAt, deploymentHistory } from '../../local/ledger.ts';
import type { RunSummary } from '../../local/run-summary.ts';
import { listRuns } from '../../local/runs.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { looks } from '../looks.ts';
import { deployments as deploymentLines } from '../printers/deployments.ts';
import { writeLines } from '../write.ts';
import { openProject } from './open-project.ts';

export type DeploymentsOptions = { readonly at?: string; readonly json?: true };

/** What was deployed where, answered from the events of all runs (R-CIO-18). */
export const deployments = async (context: Context, { at, json }: DeploymentsOptions): Promise<ExitCode> => {
  const { stateDir } = await openProject(context);
  const runs: RunSummary[] = [];
  for await (const run of listRuns(stateDir)) runs.push(run);
  const history = deploymentHistory(runs);
  const rows = at === undefined ? history : [deployedAt(history, at)].filter((entry) => entry !== undefined);
  const lines = json ? rows.map((row) => JSON.stringify(row)) : deploymentLines(rows, Date.now(), looks(context), at);
  await writeLines(context.stdout, lines);
  return exitCodes.passed;
};

import type { RunRow, RunStore } from '../../store/run-store.ts';
import { ReleaseError } from './release-error.ts';

type DeploymentRow = Awaited<ReturnType<RunStore['deployments']>>[number];

export type WantedRelease = { readonly project: string; readonly environment: string /** Its number. */; readonly run?: number };

/** How far back is looked. */
const lookBack = 1000;

/**
 * The run whose release shall be at an environment again: the one that is named, else that before what is there now. A release that was brought back counts
 * as what it is of: who goes back twice goes further back. Rejects with ReleaseError.
 */
export const wantedRelease = async (
  runs: Pick<RunStore, 'deployments' | 'list'>,
  { project, environment, run }: WantedRelease,
): Promise<RunRow> => {
  const rows = await runs.deployments({ project, environment, limit: lookBack });
  const [now] = rows;
  if (now === undefined) throw new ReleaseError('RELEASE_UNKNOWN', `Nothing was ever deployed to ${JSON.stringify(environment)}.`);
  const found = run === undefined ? earlier(rows, await releaseAt(runs, now)) : rows.find(({ number }) => number === run);
  const [row] = found === undefined ? [] : await runs.list({ run: found.run, limit: 1 });
  if (row !== undefined) return row;
  throw new ReleaseError(
    'RELEASE_UNKNOWN',
    run === undefined
      ? `Nothing was at ${JSON.stringify(environment)} before what is there now.`
      : `Run ${run} deployed nothing to ${JSON.stringify(environment)}.`,
  );
};

/** The run that first brought what a deployment brought. */
const releaseAt = async (runs: Pick<RunStore, 'list'>, { run }: DeploymentRow): Promise<string> => {
  const [row] = await runs.list({ run, limit: 1 });
  return row?.trigger.from ?? run;
};

const earlier = (rows: readonly DeploymentRow[], release: string): DeploymentRow | undefined =>
  rows.slice(rows.findLastIndex(({ run }) => run === release) + 1).find(({ run }) => run !== release && run !== rows[0]?.run);

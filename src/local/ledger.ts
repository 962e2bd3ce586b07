import type { Deployment } from '../run/run-event.ts';
import type { RunSummary } from './run-summary.ts';

/** What was deployed where, when, and by which run (R-CIO-18). A release that did not pass is not among them (R-CIO-51). */
export type LedgerEntry = Deployment & { readonly run: string; readonly number: number; readonly stage: string };

/** All deployments of many runs, the newest first. */
export const deploymentHistory = (runs: Iterable<RunSummary>): readonly LedgerEntry[] =>
  [...runs]
    .flatMap(({ run, number, deployments }) => deployments.map((deployment) => ({ ...deployment, run, number })))
    .reverse()
    .sort((a, b) => b.at - a.at || b.number - a.number);

/** What is at an environment now. */
export const deployedAt = (history: readonly LedgerEntry[], environment: string): LedgerEntry | undefined =>
  history.find((entry) => entry.environment === environment);

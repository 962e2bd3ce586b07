import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Decision } from '../run/run-event.ts';
import { stateRoot } from './project-dir.ts';
import { endsFile } from './run-ends.ts';
import { listRuns } from './runs.ts';
import { waitFor } from './wait-for.ts';

/**
 * Where the runs of another pipeline of this machine are: a name with a `/` (or `.` or `..`) is the path of a project, relative to the
 * root of this one; any other is that of a directory beside it.
 */
export const pipelineDir = (root: string, pipeline: string): string => {
  const isPath = pipeline.includes('/') || pipeline === '.' || pipeline === '..';
  return join(isPath ? resolve(root, pipeline) : resolve(root, '..', pipeline), '.cion');
};

/** Whether cion was ever used there. */
export const isKnownPipeline = (root: string, pipeline: string): Promise<boolean> =>
  stat(pipelineDir(root, pipeline)).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** The first run of the whole pipeline that passed after a moment, as the decision of a gate that waits for it (R-DCK-64). */
export const greenSince = async (root: string, pipeline: string, since: number): Promise<Decision | undefined> => {
  let first: { readonly number: number; readonly at: number } | undefined;
  for await (const { number, outcome, finishedAt, isPartial } of listRuns(pipelineDir(root, pipeline))) {
    if (outcome !== 'passed' || isPartial || finishedAt === undefined || finishedAt <= since) continue;
    if (first === undefined || finishedAt < first.at) first = { number, at: finishedAt };
  }
  return first && { kind: 'approved', by: `pipeline ${pipeline}, run ${first.number}`, at: first.at };
};

export const awaitGreen = (root: string, pipeline: string, since: number, signal: AbortSignal): Promise<Decision> =>
  waitFor(
    stateRoot(pipelineDir(root, pipeline)),
    (file) => file === endsFile,
    () => greenSince(root, pipeline, since),
    signal,
  );

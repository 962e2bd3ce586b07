import { logName, objectPath, zipName } from './object-names.ts';
import type { AttemptKey, StageDocument, StageSummary } from './results.ts';

/** The document of a stage that has begun (R-DCK-97). */
export const begunDocument = (key: AttemptKey, startedAt: number): StageDocument => ({ name: key.stage, started: isoTime(startedAt) });

/** The final document (R-DCK-98 … 101); `started` is what the prior document said. */
export const finishedDocument = (key: AttemptKey, startedAt: number, summary: StageSummary): StageDocument => ({
  name: key.stage,
  started: isoTime(startedAt),
  finished: isoTime(Math.max(startedAt, summary.finishedAt)),
  status: summary.outcome === 'passed' ? 'winning' : 'like-a-chump',
  logs: summary.hasLog ? objectPath(key.run, logName(key.stage)) : null,
  artefact: summary.hasArtifacts ? objectPath(key.run, zipName(key.stage)) : null,
  attempt: key.attempt,
  outcome: summary.outcome,
  ...(summary.exitCode === undefined ? {} : { exitCode: summary.exitCode }),
  ...(summary.message === undefined ? {} : { message: summary.message }),
  ...(summary.image === undefined ? {} : { image: summary.image }),
  ...(summary.container === undefined ? {} : { container: summary.container }),
});

/** The same document when its log and zip have got other names. */
export const renamedDocument = (document: StageDocument, run: string, stage: string): StageDocument => ({
  ...document,
  ...(typeof document.logs === 'string' ? { logs: objectPath(run, logName(stage)) } : {}),
  ...(typeof document.artefact === 'string' ? { artefact: objectPath(run, zipName(stage)) } : {}),
});

export const documentText = (document: StageDocument): string => `${JSON.stringify(document, undefined, 2)}\n`;

const isoTime = (at: number): string => new Date(at).toISOString();

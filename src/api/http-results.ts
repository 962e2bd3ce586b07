import { json } from 'node:stream/consumers';
import { ResultsError, type ResultsErrorCode } from '../results/results-error.ts';
import type { Results, StageKey } from '../results/results.ts';
import { ApiError } from './api-error.ts';
import { frameDecoder } from './log-frames.ts';
import { logUpload } from './log-upload.ts';
import { BodyError, type Send } from './send.ts';
import { asBytes, asJson, query } from './wire-bodies.ts';
import { artifactsAnswerSchema, logPositionSchema, workerPaths } from './worker-wire.ts';

const batchBytes = 1024 * 1024;

/**
 * The results of one attempt, kept by the server. What is asked of another run or stage is refused here; the server never hears of it, for it
 * takes run, stage and attempt from the lease.
 */
export const httpResults = (send: Send, item: string): Results => ({
  name: 'the server',
  begin: (key, startedAt) =>
    writing(async () => {
      own(item, key);
      const part = key.part === undefined ? {} : { part: key.part };
      const begun = await send({ method: 'POST', path: workerPaths.beginLog, body: asJson({ startedAt, ...part }) });
      const path = `${workerPaths.log}?${query(part)}`;
      return logUpload({
        from: logPositionSchema.parse(await json(begun)).position,
        batchBytes,
        upload: (batch) =>
          writing(async () => logPositionSchema.parse(await json(await send({ method: 'POST', path, body: asBytes(batch) }))).position),
        close: () =>
          writing(async () => {
            const closed = await send({ method: 'POST', path: workerPaths.closeLog, body: asJson(part) });
            closed.resume();
          }),
      });
    }),
  putArtifacts: (key, tar) =>
    writing(async () => {
      own(item, key);
      const path = `${workerPaths.artifacts}?${query(key.part === undefined ? {} : { part: key.part })}`;
      return artifactsAnswerSchema.parse(await json(await send({ method: 'PUT', path, body: asBytes(tar) }))).artifacts;
    }).finally(() => tar.destroy()),
  finish: (key, summary) =>
    writing(async () => {
      own(item, key);
      const finished = await send({ method: 'POST', path: workerPaths.finish, body: asJson({ summary }) });
      finished.resume();
    }),
  readLog: async function* (key, { from, follow, signal }) {
    const { attempt, part } = key;
    try {
      own(item, { ...key, ...(attempt === undefined ? { attempt: Number(item.slice(item.lastIndexOf('/') + 1)) } : {}) });
      const asked = query({
        from: String(from),
        follow: follow ? '1' : '0',
        ...(attempt === undefined ? {} : { attempt: String(attempt) }),
        ...(part === undefined ? {} : { part }),
      });
      const frames = await send({ method: 'GET', path: `${workerPaths.log}?${asked}`, signal });
      const decoder = frameDecoder();
      for await (const bytes of frames as AsyncIterable<Uint8Array>) {
        for (const { stream, at, bytes: content } of decoder.push(bytes)) yield { stream, at, bytes: content };
      }
      decoder.end();
    } catch (error) {
      if (!signal.aborted) throw asResultsError('RESULTS_UNREADABLE', error);
    }
  },
  open: async (run, name) => {
    try {
      if (!item.startsWith(`${run}/`)) return undefined;
      return await send({ method: 'GET', path: `${workerPaths.object}?${query({ name })}` });
    } catch (error) {
      if (error instanceof ApiError && error.code === 'OBJECT_NONE') return undefined;
      throw asResultsError('RESULTS_UNREADABLE', error);
    }
  },
});

const own = (item: string, { run, stage, attempt }: Pick<StageKey, 'run' | 'stage' | 'attempt'>): void => {
  if (item.startsWith(`${run}/${stage}/`) && attempt !== undefined) return;
  throw new ResultsError('RESULTS_UNWRITABLE', `${JSON.stringify(`${run}/${stage}`)} is not what the lease of ${item} is about.`);
};

/** With the server's word as the cause of a ResultsError. */
export const writing = async <T>(action: () => Promise<T>): Promise<T> => {
  try {
    return await action();
  } catch (error) {
    throw asResultsError('RESULTS_UNWRITABLE', error);
  }
};

const codes: ReadonlySet<string> = new Set<ResultsErrorCode>([
  'RESULTS_UNWRITABLE',
  'RESULTS_UNREADABLE',
  'NO_SPACE',
  'RESULTS_DENIED',
  'RESULTS_NO_CREDENTIALS',
  'RESULTS_NO_BUCKET',
  'RESULTS_UNREACHABLE',
]);

/** The server's own words where it has some; what the server refuses for another reason is the cause. */
const asResultsError = (code: ResultsErrorCode, error: unknown): ResultsError => {
  if (error instanceof ResultsError) return error;
  if (error instanceof ApiError) {
    return new ResultsError(codes.has(error.code) ? (error.code as ResultsErrorCode) : code, error.message, { cause: error });
  }
  if (error instanceof BodyError) return new ResultsError(code, error.message, { cause: error.cause });
  const message = error instanceof Error ? error.message : String(error);
  return new ResultsError('RESULTS_UNREACHABLE', `The server cannot be reached: ${message}`, { cause: error });
};

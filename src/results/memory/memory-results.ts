import { Readable } from 'node:stream';
import { checkNames, documentName, logName, pastName, zipName } from '../object-names.ts';
import { ResultsError } from '../results-error.ts';
import type { AttemptKey, LogWriter, Results, StageDocument, StoredChunk } from '../results.ts';
import { begunDocument, documentText, finishedDocument, renamedDocument } from '../stage-document.ts';
import { zipFromTar } from '../zip-from-tar.ts';

/** Results that live as long as the process: for tests and benchmarks that are about something else. */
export const memoryResults = (): Results => {
  const runs = new Map<string, Map<string, Kept>>();
  let changed = Promise.withResolvers<void>();

  const tellReaders = (): void => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const stagesOf = (run: string): Map<string, Kept> => {
    const stages = runs.get(run) ?? new Map<string, Kept>();
    runs.set(run, stages);
    return stages;
  };
  const find = (run: string, stage: string, attempt?: number): Kept | undefined => {
    const newest = runs.get(run)?.get(stage);
    return attempt === undefined || newest?.attempt === attempt ? newest : runs.get(run)?.get(pastName(stage, attempt));
  };
  const keptFor = (key: AttemptKey, startedAt: number): Kept => {
    const known = find(key.run, key.stage, key.attempt);
    if (known?.isPast === true)
      throw new ResultsError('RESULTS_UNWRITABLE', `A later attempt than ${key.attempt} of "${key.stage}" has begun.`);
    if (known !== undefined) return known;
    const stages = stagesOf(key.run);
    const newest = stages.get(key.stage);
    if (newest !== undefined) {
      newest.isPast = true;
      const past = pastName(key.stage, newest.attempt);
      newest.document = renamedDocument(newest.document, key.run, past);
      stages.set(past, newest);
    }
    const kept: Kept = {
      attempt: key.attempt,
      startedAt,
      chunks: [],
      document: begunDocument(key, startedAt),
      finished: false,
    };
    stages.set(key.stage, kept);
    return kept;
  };

  return {
    name: 'memory',

    begin: async (key, startedAt) => {
      checkNames(key, 'RESULTS_UNWRITABLE');
      const kept = keptFor(key, startedAt);
      tellReaders();
      return writerOf(kept, tellReaders);
    },

    putArtifacts: async (key, tar) => {
      checkNames(key, 'RESULTS_UNWRITABLE');
      const parts: Uint8Array[] = [];
      const stored = await zipFromTar(tar, async (bytes) => void parts.push(bytes)).catch((error: unknown) => {
        throw error instanceof ResultsError
          ? error
          : new ResultsError('RESULTS_UNWRITABLE', `The artifacts cannot be read: ${String(error)}`, { cause: error });
      });
      if (stored === undefined) return undefined;
      keptFor(key, 0).zip = Buffer.concat(parts);
      return { key: zipName(key.stage), ...stored };
    },

    finish: async (key, summary) => {
      checkNames(key, 'RESULTS_UNWRITABLE');
      const kept = keptFor(key, summary.startedAt);
      kept.document = finishedDocument(key, kept.startedAt, summary);
      kept.finished = true;
      if (!summary.hasLog) kept.chunks.length = 0;
      kept.hasLog = summary.hasLog;
      tellReaders();
    },

    readLog: async function* (key, { from, follow, signal }) {
      checkNames(key, 'RESULTS_UNREADABLE');
      let read = 0;
      let skip = from;
      let kept: Kept | undefined;
      while (!signal.aborted) {
        kept ??= find(key.run, key.stage, key.attempt);
        for (const chunk of kept?.chunks.slice(read) ?? []) {
          read++;
          const bytes = chunk.bytes.subarray(Math.min(skip, chunk.bytes.length));
          skip -= chunk.bytes.length - bytes.length;
          if (bytes.length > 0) yield { ...chunk, bytes };
        }
        if (!follow || (kept !== undefined && (kept.finished || kept.isPast === true) && read === kept.chunks.length)) return;
        if (read === (kept?.chunks.length ?? 0)) await Promise.race([changed.promise, aborted(signal)]);
      }
    },

    open: async (run, name) => {
      for (const [stage, kept] of runs.get(run) ?? []) {
        const bytes = objectOf(kept, stage, name);
        if (bytes !== undefined) return Readable.from([bytes]);
      }
      return undefined;
    },
  };
};

type Kept = {
  readonly attempt: number;
  readonly startedAt: number;
  readonly chunks: StoredChunk[];
  document: StageDocument;
  zip?: Uint8Array;
  finished: boolean;
  isPast?: boolean;
  hasLog?: boolean;
};

const objectOf = (kept: Kept, stage: string, name: string): Uint8Array | undefined => {
  if (name === documentName(stage)) return Buffer.from(documentText(kept.document));
  if (name === zipName(stage)) return kept.zip;
  return name === logName(stage) && kept.hasLog !== false ? Buffer.concat(kept.chunks.map((chunk) => chunk.bytes)) : undefined;
};

const writerOf = (kept: Kept, tellReaders: () => void): LogWriter => {
  const position = { stdout: 0, stderr: 0 };
  for (const chunk of kept.chunks) position[chunk.stream] += chunk.bytes.length;
  return {
    position,
    append: async (chunk) => {
      kept.chunks.push({ ...chunk, bytes: Uint8Array.from(chunk.bytes) });
      position[chunk.stream] += chunk.bytes.length;
      tellReaders();
    },
    close: async () => {},
  };
};

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

import { Readable } from 'node:stream';
import { checkNames, documentName, logName, logOwner, pastName, zipName } from '../object-names.ts';
import { ResultsError } from '../results-error.ts';
import type { ArtifactsKey, AttemptKey, LogKey, LogWriter, Results, StageDocument, StoredChunk } from '../results.ts';
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
  const setAside = (run: string, name: string, attempt: number): void => {
    const kept = stagesOf(run).get(name);
    if (kept === undefined || kept.attempt >= attempt) return;
    kept.isPast = true;
    const past = pastName(name, kept.attempt);
    if (kept.document !== undefined) kept.document = renamedDocument(kept.document, run, past);
    stagesOf(run).delete(name);
    stagesOf(run).set(past, kept);
  };
  const keptFor = (key: LogKey | ArtifactsKey, startedAt: number): Kept => {
    const name = logOwner(key);
    const known = find(key.run, name, key.attempt);
    if (known?.isPast === true)
      throw new ResultsError('RESULTS_UNWRITABLE', `A later attempt than ${key.attempt} of "${key.stage}" has begun.`);
    if (known !== undefined) return known;
    setAside(key.run, name, key.attempt);
    if (key.part === undefined) for (const name of [doneOf(key), stepsOf(key)]) setAside(key.run, name, key.attempt);
    const kept: Kept = {
      attempt: key.attempt,
      startedAt,
      chunks: [],
      ...(key.part === undefined ? { document: begunDocument(key, startedAt) } : {}),
      finished: false,
      ...(key.part === 'steps' ? { hasLog: false } : {}),
    };
    stagesOf(key.run).set(name, kept);
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
      return { key: zipName(logOwner(key)), ...stored };
    },

    finish: async (key, summary) => {
      checkNames(key, 'RESULTS_UNWRITABLE');
      const kept = keptFor(key, summary.startedAt);
      kept.document = finishedDocument(key, kept.startedAt, summary);
      kept.finished = true;
      for (const log of summary.hasLog ? [] : [kept, find(key.run, doneOf(key), key.attempt)]) {
        if (log === undefined) continue;
        log.chunks.length = 0;
        log.hasLog = false;
      }
      tellReaders();
    },

    readLog: async function* (key, { from, follow, signal }) {
      checkNames(key, 'RESULTS_UNREADABLE');
      let read = 0;
      let skip = from;
      let stage: Kept | undefined;
      let kept: Kept | undefined;
      while (!signal.aborted) {
        stage ??= find(key.run, key.stage, key.attempt);
        kept ??= find(key.run, logOwner(key), stage?.attempt ?? key.attempt);
        for (const chunk of kept?.chunks.slice(read) ?? []) {
          read++;
          const bytes = chunk.bytes.subarray(Math.min(skip, chunk.bytes.length));
          skip -= chunk.bytes.length - bytes.length;
          if (bytes.length > 0) yield { ...chunk, bytes };
        }
        const isAllRead = read === (kept?.chunks.length ?? 0);
        if (!follow || (stage !== undefined && (stage.finished || stage.isPast === true) && isAllRead)) return;
        if (isAllRead) await Promise.race([changed.promise, aborted(signal)]);
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
  /** The log of a `done` has none. */
  document?: StageDocument;
  zip?: Uint8Array;
  finished: boolean;
  isPast?: boolean;
  hasLog?: boolean;
};

const doneOf = ({ stage }: AttemptKey): string => logOwner({ stage, part: 'done' });

const stepsOf = ({ stage }: AttemptKey): string => logOwner({ stage, part: 'steps' });

const objectOf = (kept: Kept, stage: string, name: string): Uint8Array | undefined => {
  if (name === documentName(stage)) return kept.document && Buffer.from(documentText(kept.document));
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

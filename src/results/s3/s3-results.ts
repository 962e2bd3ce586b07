import { PassThrough, type Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { writtenTo } from '../../lib/written-to.ts';
import { checkNames, documentName, isPlainName, logOwner, objectPath, pastName, zipName } from '../object-names.ts';
import type { AttemptKey, LogKey, LogWriter, Results, StageDocument, StageKey, StoredChunk } from '../results.ts';
import { ResultsError } from '../results-error.ts';
import { begunDocument, documentText, finishedDocument, renamedDocument } from '../stage-document.ts';
import { zipFromTar } from '../zip-from-tar.ts';
import { s3Error } from './s3-error.ts';
import { logParts } from './s3-log.ts';
import type { S3Objects } from './s3-objects.ts';

const usualPollMs = 1000;

/**
 * Results in S3 alone, for who has no disk that outlives him. Every append of a log is a request of its own; a follower asks once in
 * `pollMs` whether there is more, because S3 tells nobody.
 */
export const s3Results = (objects: S3Objects, { pollMs = usualPollMs }: { readonly pollMs?: number } = {}): Results => {
  const failed = (what: string, error: unknown): ResultsError => s3Error(what, error, 'RESULTS_UNWRITABLE');

  /** The newest attempt, as the metadata of the stage's document has it. */
  const lookAt = async (run: string, stage: string) => {
    const found = await objects.metadata(objectPath(run, documentName(stage)));
    if (found === undefined) return undefined;
    return { attempt: Number(found.attempt), startedAt: Number(found.started), finished: found.finished === 'yes' };
  };

  const putDocument = async (key: AttemptKey, document: StageDocument, name = key.stage): Promise<void> => {
    const metadata = {
      attempt: String(key.attempt),
      started: String(Date.parse(document.started)),
      finished: document.finished === undefined ? 'no' : 'yes',
    };
    await objects.put(objectPath(key.run, documentName(name)), Buffer.from(documentText(document)), { metadata });
  };

  const newestFor = async (key: AttemptKey) => {
    const newest = await lookAt(key.run, key.stage);
    if (newest !== undefined && newest.attempt > key.attempt) {
      throw new Error(`attempt ${newest.attempt} has begun, attempt ${key.attempt} is past`);
    }
    return newest;
  };

  /** The stage's own log and that of its `done`. */
  const logsOf = ({ run, stage, attempt }: AttemptKey) => {
    const key = { run, stage, attempt };
    return [logParts(objects, key), logParts(objects, { ...key, part: 'done' })];
  };

  /** May be interrupted anywhere and done again: the plain document, which says whose the others are, is replaced last. */
  const setAside = async (key: AttemptKey): Promise<void> => {
    const { run, stage } = key;
    const past = pastName(stage, key.attempt);
    for (const log of logsOf(key)) await log.compose('past');
    for (const name of [stage, logOwner({ stage, part: 'steps' })]) {
      const zip = await objects.get(objectPath(run, zipName(name)));
      if (zip === undefined) continue;
      await objects.put(objectPath(run, zipName(pastName(name, key.attempt))), zip);
      await objects.remove(objectPath(run, zipName(name)));
    }
    const document = await objects.get(objectPath(run, documentName(stage)));
    if (document !== undefined) await putDocument(key, renamedDocument((await json(document)) as StageDocument, run, past), past);
  };

  const isOver = async ({ run, stage }: StageKey, attempt: number): Promise<boolean> => {
    const newest = await lookAt(run, stage);
    return newest !== undefined && (newest.attempt > attempt || newest.finished);
  };

  return {
    name: objects.name,

    begin: async (key, startedAt) => {
      checkNames(key, 'RESULTS_UNWRITABLE');
      try {
        const newest = await newestFor(key);
        if (key.part !== undefined) return await writerOf(objects, key);
        const goesOn = newest?.attempt === key.attempt;
        if (newest !== undefined && !goesOn) await setAside({ ...key, attempt: newest.attempt });
        await putDocument(key, begunDocument(key, goesOn ? newest.startedAt : startedAt));
        return await writerOf(objects, key);
      } catch (error) {
        throw failed(`The place of "${key.stage}"`, error);
      }
    },

    putArtifacts: async (key, tar) => {
      const abort = new AbortController();
      try {
        checkNames(key, 'RESULTS_UNWRITABLE');
        const path = objectPath(key.run, zipName(logOwner(key)));
        const stored = await zippedTo(tar, (zip) => objects.put(path, zip, { signal: abort.signal }), abort);
        return stored && { key: zipName(logOwner(key)), ...stored };
      } catch (error) {
        tar.destroy();
        throw failed(`The zip of "${key.stage}"`, error);
      }
    },

    finish: async (key, summary) => {
      checkNames(key, 'RESULTS_UNWRITABLE');
      try {
        const newest = await newestFor(key);
        const isKnown = newest?.attempt === key.attempt;
        for (const log of logsOf(key)) {
          if (!summary.hasLog) await log.remove();
          else if (isKnown) await log.compose('newest');
        }
        await putDocument(key, finishedDocument(key, isKnown ? newest.startedAt : summary.startedAt, summary));
      } catch (error) {
        throw failed(`The document of "${key.stage}"`, error);
      }
    },

    readLog: async function* (key, { from, follow, signal }) {
      checkNames(key, 'RESULTS_UNREADABLE');
      let attempt = key.attempt;
      let done = from;
      while (!signal.aborted) {
        attempt ??= (await lookAt(key.run, key.stage))?.attempt;
        const over = attempt !== undefined && (await isOver(key, attempt));
        if (attempt !== undefined) {
          const log = logParts(objects, { ...key, attempt });
          const parts = await log.find();
          for await (const chunk of log.read(parts, done)) {
            yield chunk;
            done += chunk.bytes.length;
            if (signal.aborted) return;
          }
          if (parts.some(({ offset, bytes }) => offset + bytes > done)) continue;
        }
        if (over || !follow) return;
        await sleep(pollMs, undefined, { signal }).catch(() => undefined);
      }
    },

    open: async (run, name) => {
      if (!isPlainName(run) || !isPlainName(name) || !/\.(json|log|zip)$/.test(name)) return undefined;
      return objects.get(objectPath(run, name));
    },
  };
};

const writerOf = async (objects: S3Objects, key: LogKey): Promise<LogWriter> => {
  const log = logParts(objects, key);
  const position = { stdout: 0, stderr: 0 };
  for (const { stream, bytes } of await log.find()) position[stream] += bytes;
  let closed = false;
  return {
    get position() {
      return { ...position };
    },
    append: async (chunk: StoredChunk) => {
      if (closed) throw new ResultsError('RESULTS_UNWRITABLE', `The log of "${key.stage}" is closed.`);
      if (chunk.bytes.length === 0) return;
      await log.append(position.stdout + position.stderr, chunk);
      position[chunk.stream] += chunk.bytes.length;
    },
    close: async () => {
      closed = true;
    },
  };
};

/** Gives the zip to `put` while it is made. Nothing is kept of an empty one, or of one that breaks off. */
const zippedTo = async (tar: Readable, put: (zip: Readable) => Promise<void>, abort: AbortController) => {
  const zip = new PassThrough();
  const putting = put(zip);
  putting.catch((error: unknown) => zip.destroy(error instanceof Error ? error : new Error(String(error))));
  zip.on('error', () => {});
  try {
    const stored = await zipFromTar(tar, writtenTo(zip));
    if (stored === undefined) throw new NothingToKeep();
    zip.end();
    await putting;
    return stored;
  } catch (error) {
    abort.abort();
    zip.destroy(new Error('the zip is not whole'));
    const cause = await putting.then(
      () => error,
      (reason: unknown) => (zip.errored === reason ? reason : error),
    );
    if (error instanceof NothingToKeep) return undefined;
    throw cause;
  }
};

class NothingToKeep extends Error {}

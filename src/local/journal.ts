import { appendFile, type FileHandle, mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { directoryChanges } from '../lib/directory-changes.ts';
import type { Journal } from '../run/journal.ts';
import type { RunEvent } from '../run/run-event.ts';
import { journalLine, parseJournal } from './journal-lines.ts';
import { isMissing, stateUnreadable, stateUnwritable } from './local-error.ts';
import { takeLock } from './lock.ts';
import { runState } from './project-dir.ts';
import { markEnd } from './run-ends.ts';

export type OpenJournal = Journal & { close(): Promise<void> };

const fileName = 'events.jsonl';

/**
 * Opens a run's journal for appending, made if missing, and takes the run's lock with it (RUN_BUSY). One JSON event a line; `append`
 * resolves when the lines are on the disk. Appends that come while others are being written share the next write. After a failed append
 * nothing of it is in the journal.
 */
export const openJournal = async (dir: string, run: string): Promise<OpenJournal> => {
  const what = `the journal of ${run}`;
  const lock = await takeLock(dir, run);
  let file: FileHandle | undefined;
  try {
    await mkdir(runState(dir, run), { recursive: true });
    const path = join(runState(dir, run), fileName);
    await appendFile(path, '');
    file = await open(path, 'r+');
    return await opened(run, file, what, lock.release, () => markEnd(dir, run));
  } catch (error) {
    await file?.close();
    await lock.release();
    throw stateUnwritable(what, error);
  }
};

type Waiting = {
  readonly events: readonly RunEvent[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
};

const opened = async (
  run: string,
  file: FileHandle,
  what: string,
  release: () => Promise<void>,
  onEnd: () => Promise<void>,
): Promise<OpenJournal> => {
  const past = parseJournal(await file.readFile(), run);
  await file.truncate(past.bytes);
  let lastSeq = past.events.length;
  let length = past.bytes;
  let waiting: Waiting[] = [];
  let writing: Promise<void> | undefined;
  let closed = false;

  const write = async (batch: readonly Waiting[]): Promise<void> => {
    const events = batch.flatMap((waiting) => waiting.events);
    const text = Buffer.from(events.map(journalLine).join(''));
    try {
      const wrong = events.find(({ seq }, i) => seq !== lastSeq + i + 1);
      if (wrong !== undefined) throw new Error(`event ${wrong.seq} does not follow event ${lastSeq}`);
      for (let done = 0; done < text.length; ) done += (await file.write(text, done, text.length - done, length + done)).bytesWritten;
      await file.datasync();
      length += text.length;
      lastSeq += events.length;
      if (events.some(({ kind }) => kind === 'run.finished')) await onEnd();
      for (const { resolve } of batch) resolve();
    } catch (error) {
      await file.truncate(length).catch(() => {});
      for (const { reject } of batch) reject(stateUnwritable(what, error));
    }
  };

  const writeAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      await write(batch);
    }
    writing = undefined;
  };

  return {
    run,
    past: past.events,
    append: (events) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(stateUnwritable(what, new Error('it is closed')));
        waiting.push({ events, resolve, reject });
        writing ??= writeAll();
      }),
    close: async () => {
      if (closed) return;
      closed = true;
      await writing;
      await file.close();
      await release();
    },
  };
};

/** All whole events of a run's journal; needs no lock. `undefined` when there is none. */
export const readJournal = async (dir: string, run: string): Promise<readonly RunEvent[] | undefined> => {
  try {
    return parseJournal(await readFile(join(runState(dir, run), fileName)), run).events;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw stateUnreadable(`the journal of ${run}`, error);
  }
};

/** The past events of a run, then each new one, until the last is `run.finished` or the signal aborts. Waits for a journal not yet there. */
export const followJournal = async function* (
  dir: string,
  run: string,
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<RunEvent> {
  const changes = directoryChanges(runState(dir, run), (file) => file === fileName, signal);
  let file: FileHandle | undefined;
  let offset = 0;
  let last: RunEvent | undefined;
  try {
    while (!signal.aborted) {
      file ??= await openForReading(join(runState(dir, run), fileName));
      const news = file && (await readTail(file, offset, run, last?.seq ?? 0));
      for (const event of news?.events ?? []) {
        yield event;
        if (signal.aborted) return;
        last = event;
      }
      offset += news?.bytes ?? 0;
      if (last?.kind === 'run.finished') return;
      await changes.next();
    }
  } catch (error) {
    throw stateUnreadable(`the journal of ${run}`, error);
  } finally {
    changes.close();
    await file?.close();
  }
};

const readTail = async (file: FileHandle, offset: number, run: string, after: number) => {
  const { size } = await file.stat();
  const tail = Buffer.alloc(Math.max(0, size - offset));
  const { bytesRead } = await file.read(tail, 0, tail.length, offset);
  return parseJournal(tail.subarray(0, bytesRead), run, after);
};

const openForReading = async (path: string): Promise<FileHandle | undefined> => {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
};

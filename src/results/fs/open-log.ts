import { type FileHandle, stat } from 'node:fs/promises';
import { logOwner, pastName } from '../object-names.ts';
import type { StageKey } from '../results.ts';
import { attemptFiles, headerOf, lookAt, openIfThere } from './attempt-files.ts';
import { type LogReader, logReader } from './log-reader.ts';

export type OpenLog = LogReader & { readonly attempt: number };

/** `undefined` when there is none (yet). A new attempt may set the files aside at any moment: then it looks again. */
export const openLog = async (root: string, key: StageKey, from: number): Promise<OpenLog | undefined> => {
  for (;;) {
    const index = await openIndex(root, key);
    if (index === undefined) return undefined;
    const log = (await openIfThere(index.log)) ?? (await openIfThere(index.pastLog));
    if (log !== undefined && (await isStillAt(index.path, index.file))) {
      return { ...logReader(index.file, log, from), attempt: index.attempt };
    }
    const moved = !(await isStillAt(index.path, index.file));
    await Promise.all([index.file.close(), log?.close()]);
    if (!moved) return undefined;
  }
};

/** Whether nothing more can come to the log of an attempt, or of the newest. */
export const isOver = async (root: string, { run, stage, attempt }: StageKey): Promise<boolean> => {
  const { header, document } = await lookAt(attemptFiles(root, run, stage));
  if (header !== undefined && attempt !== undefined && header.attempt > attempt) return true;
  if (document?.finished === undefined || document.attempt === undefined) return false;
  return document.attempt >= (attempt ?? header?.attempt ?? document.attempt);
};

const openIndex = async (root: string, key: StageKey) => {
  const { run, attempt } = key;
  const owner = logOwner(key);
  for (const name of attempt === undefined ? [owner] : [owner, pastName(owner, attempt)]) {
    const files = attemptFiles(root, run, name);
    const file = await openIfThere(files.index);
    const header = file && (await headerOf(file));
    if (file !== undefined && header !== undefined && (attempt === undefined || header.attempt === attempt)) {
      const pastLog = attemptFiles(root, run, pastName(owner, header.attempt)).log;
      return { path: files.index, log: files.log, pastLog, file, attempt: header.attempt };
    }
    await file?.close();
  }
  return undefined;
};

const isStillAt = async (path: string, file: FileHandle): Promise<boolean> => {
  const [there, held] = await Promise.all([stat(path).catch(() => undefined), file.stat()]);
  return there?.ino === held.ino;
};

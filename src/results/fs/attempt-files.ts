import { type FileHandle, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../../lib/atomic-file.ts';
import { documentName, logName, logOwner, pastName, zipName } from '../object-names.ts';
import type { StageDocument } from '../results.ts';
import { documentText, renamedDocument } from '../stage-document.ts';
import { isMissing } from './fs-error.ts';
import { decodeHeader, type LogHeader, recordBytes } from './log-index.ts';

/** Where the files of a stage's newest attempt are, or of a past one under its `pastName`. */
export type AttemptFiles = {
  readonly directory: string;
  readonly document: string;
  readonly log: string;
  readonly index: string;
  readonly zip: string;
};

export const attemptFiles = (root: string, run: string, stage: string): AttemptFiles => {
  const directory = join(root, run);
  const log = join(directory, logName(stage));
  return { directory, document: join(directory, documentName(stage)), log, index: `${log}.idx`, zip: join(directory, zipName(stage)) };
};

/** What is there of a stage: its index says which attempt it is; where there is no log, its finished document does. */
export const lookAt = async (files: AttemptFiles) => {
  const header = await readHeader(files.index);
  const document = await readDocument(files.document);
  return { header, document, newest: header?.attempt ?? document?.attempt };
};

/** Where the log of a stage's `done` is; there is nothing else of it. */
export const doneFiles = (root: string, run: string, stage: string): AttemptFiles =>
  attemptFiles(root, run, logOwner({ stage, part: 'done' }));

/** The log of a stage's `done`, when it is of an attempt before this one, gets the name of a past one. */
export const setDoneAside = async (root: string, run: string, stage: string, attempt: number): Promise<void> => {
  const header = await readHeader(doneFiles(root, run, stage).index);
  if (header !== undefined && header.attempt < attempt) await setAside(root, run, logOwner({ stage, part: 'done' }), header.attempt);
};

/**
 * Gives the newest attempt's files the names of a past one. May be interrupted anywhere and done again: the index goes last, because
 * it says whose the others are.
 */
export const setAside = async (root: string, run: string, stage: string, attempt: number): Promise<void> => {
  const from = attemptFiles(root, run, stage);
  const to = attemptFiles(root, run, pastName(stage, attempt));
  const { header, document } = await lookAt(from);
  if (document !== undefined && (document.attempt ?? attempt) === attempt) {
    await writeAtomically(to.document, documentText(renamedDocument(document, run, pastName(stage, attempt))));
  }
  await ifThere(rename(from.zip, to.zip));
  const steps = logOwner({ stage, part: 'steps' });
  await ifThere(rename(join(from.directory, zipName(steps)), join(from.directory, zipName(pastName(steps, attempt)))));
  if (header === undefined) return;
  await ifThere(rename(from.log, to.log));
  await ifThere(rename(from.index, to.index));
};

export const openIfThere = (path: string): Promise<FileHandle | undefined> => ifThere(open(path, 'r'));

export const headerOf = async (index: FileHandle): Promise<LogHeader | undefined> => {
  const { bytesRead, buffer } = await index.read(Buffer.alloc(recordBytes), 0, recordBytes, 0);
  return decodeHeader(buffer.subarray(0, bytesRead));
};

const readHeader = async (path: string): Promise<LogHeader | undefined> => {
  const index = await openIfThere(path);
  try {
    return index && (await headerOf(index));
  } finally {
    await index?.close();
  }
};

const readDocument = async (path: string): Promise<StageDocument | undefined> => {
  const text = await ifThere(readFile(path, 'utf8'));
  return text === undefined ? undefined : (JSON.parse(text) as StageDocument);
};

const ifThere = async <T>(action: Promise<T>): Promise<T | undefined> => {
  try {
    return await action;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
};

import type { FileHandle } from 'node:fs/promises';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { replaceFile, writeAtomically } from '../../lib/atomic-file.ts';
import { directoryChanges } from '../../lib/directory-changes.ts';
import { checkNames, documentName, isPlainName, logName, logOwner, zipName } from '../object-names.ts';
import type { Results } from '../results.ts';
import { begunDocument, documentText, finishedDocument } from '../stage-document.ts';
import { zipFromTar } from '../zip-from-tar.ts';
import { attemptFiles, doneFiles, lookAt, openIfThere, setAside, setDoneAside } from './attempt-files.ts';
import { unreadable, unwritable } from './fs-error.ts';
import { continueLog, createLog } from './log-writer.ts';
import { isOver, type OpenLog, openLog } from './open-log.ts';

/** Results as files below `root`: `<root>/<runId>/<stage>.json`, `.log` (with its index `.log.idx`), `.zip`. */
export const fsResults = ({ root }: { readonly root: string }): Results => ({
  name: root,

  begin: async (key, startedAt) => {
    checkNames(key, 'RESULTS_UNWRITABLE');
    const owner = logOwner(key);
    const files = attemptFiles(root, key.run, owner);
    try {
      await mkdir(files.directory, { recursive: true });
      const { header, newest } = await lookAt(files);
      if (newest !== undefined && newest > key.attempt) throw new Error(`attempt ${newest} has begun, attempt ${key.attempt} is past`);
      if (newest !== undefined && newest < key.attempt) await setAside(root, key.run, owner, newest);
      if (key.part === undefined && key.attempt > 1) await setDoneAside(root, key.run, key.stage, key.attempt);
      const goesOn = header?.attempt === key.attempt;
      if (!goesOn) createLog(files, { startedAt, attempt: key.attempt });
      if (key.part === undefined) {
        await writeAtomically(files.document, documentText(begunDocument(key, goesOn ? header.startedAt : startedAt)));
      }
      return continueLog(files, `the log of "${owner}"`);
    } catch (error) {
      throw unwritable(`the results of "${owner}"`, error);
    }
  },

  putArtifacts: async (key, tar) => {
    try {
      checkNames(key, 'RESULTS_UNWRITABLE');
      const owner = logOwner(key);
      const files = attemptFiles(root, key.run, owner);
      await mkdir(files.directory, { recursive: true });
      const stored = await replaceFile(files.zip, (file) => zipFromTar(tar, (bytes) => file.writeFile(bytes)));
      return stored && { key: zipName(owner), ...stored };
    } catch (error) {
      tar.destroy();
      throw unwritable(`the zip of "${key.stage}"`, error);
    }
  },

  finish: async (key, summary) => {
    checkNames(key, 'RESULTS_UNWRITABLE');
    const files = attemptFiles(root, key.run, key.stage);
    try {
      await mkdir(files.directory, { recursive: true });
      const { header, document, newest } = await lookAt(files);
      if (newest !== undefined && newest > key.attempt) throw new Error(`attempt ${newest} has begun, attempt ${key.attempt} is past`);
      const before = document?.attempt === key.attempt ? Date.parse(document.started) : summary.startedAt;
      const startedAt = header?.attempt === key.attempt ? header.startedAt : before;
      if (!summary.hasLog) {
        const logs = [files, doneFiles(root, key.run, key.stage)].flatMap(({ log, index }) => [log, index]);
        await Promise.all(logs.map((path) => rm(path, { force: true })));
      }
      await writeAtomically(files.document, documentText(finishedDocument(key, startedAt, summary)));
    } catch (error) {
      throw unwritable(`the document of "${key.stage}"`, error);
    }
  },

  readLog: async function* (key, { from, follow, signal }) {
    checkNames(key, 'RESULTS_UNREADABLE');
    const telling = new Set([documentName(key.stage), ...[key.stage, logOwner(key)].map((owner) => `${logName(owner)}.idx`)]);
    const changes = follow ? directoryChanges(join(root, key.run), (file) => telling.has(file), signal) : undefined;
    let log: OpenLog | undefined;
    try {
      while (!signal.aborted) {
        log ??= await openLog(root, key, from);
        const over = await isOver(root, log === undefined ? key : { ...key, attempt: log.attempt });
        if (over) log ??= await openLog(root, key, from);
        for await (const chunk of log?.news() ?? []) {
          yield chunk;
          if (signal.aborted) return;
        }
        if (over || changes === undefined) return;
        await changes.next();
      }
    } catch (error) {
      throw unreadable(`the log of "${logOwner(key)}"`, error);
    } finally {
      changes?.close();
      await log?.close();
    }
  },

  open: async (run, name) => {
    if (!isPlainName(run) || !isPlainName(name) || !/\.(json|log|zip)$/.test(name)) return undefined;
    try {
      const file = await openIfThere(join(root, run, name));
      return file && Readable.from(bytesOf(file, name), { objectMode: false });
    } catch (error) {
      throw unreadable(name, error);
    }
  },
});

const bytesOf = async function* (file: FileHandle, name: string): AsyncGenerator<Uint8Array> {
  try {
    yield* file.createReadStream({ autoClose: false });
  } catch (error) {
    throw unreadable(name, error);
  } finally {
    await file.close();
  }
};

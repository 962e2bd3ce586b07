import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { LogWriter } from '../results.ts';
import { unwritable } from './fs-error.ts';
import { decodeRecord, encodeHeader, encodeRecord, type LogHeader, type LogRecord, recordBytes } from './log-index.ts';

/** Chunks of one stream that come this close together share a record. */
const togetherMs = 50;

export type LogFiles = { readonly log: string; readonly index: string };

export const createLog = (files: LogFiles, header: LogHeader): void => {
  closeSync(openSync(files.log, 'w'));
  const index = openSync(files.index, 'w');
  try {
    writeFully(index, encodeHeader(header), 0);
  } finally {
    closeSync(index);
  }
};

/**
 * Continues a log where it durably ended. Appends go straight to the page cache, in the caller's turn: that is five times faster than
 * a trip through the thread pool, and what `append` resolved for outlives this process.
 */
export const continueLog = (files: LogFiles, what: string): LogWriter => {
  closeSync(openSync(files.log, 'a'));
  const handles = { log: openSync(files.log, 'r+'), index: openSync(files.index, 'r+') };
  const covered = cutToCovered(handles);
  const position = covered.position;
  let logEnd = position.stdout + position.stderr;
  let last: LogRecord | undefined;
  let lastOffset = covered.indexEnd - recordBytes;
  let closed = false;

  return {
    get position() {
      return { ...position };
    },
    append: async (chunk) => {
      if (closed) throw unwritable(what, new Error('it is closed'));
      if (chunk.bytes.length === 0) return;
      try {
        writeFully(handles.log, chunk.bytes, logEnd);
        const grows = last !== undefined && last.stream === chunk.stream && chunk.at >= last.at && chunk.at - last.at < togetherMs;
        const record: LogRecord = {
          stream: chunk.stream,
          at: grows && last !== undefined ? last.at : chunk.at,
          bytes: (grows && last !== undefined ? last.bytes : 0) + chunk.bytes.length,
        };
        const offset = grows ? lastOffset : lastOffset + recordBytes;
        writeFully(handles.index, encodeRecord(record), offset);
        last = record;
        lastOffset = offset;
        logEnd += chunk.bytes.length;
        position[chunk.stream] += chunk.bytes.length;
      } catch (error) {
        throw unwritable(what, error);
      }
    },
    close: async () => {
      if (closed) return;
      closed = true;
      try {
        ftruncateSync(handles.log, logEnd);
      } catch (error) {
        throw unwritable(what, error);
      } finally {
        closeSync(handles.log);
        closeSync(handles.index);
      }
    },
  };
};

const cutToCovered = (handles: { readonly log: number; readonly index: number }) => {
  const index = readFileSync(handles.index);
  const position = { stdout: 0, stderr: 0 };
  let uncovered = fstatSync(handles.log).size;
  let indexEnd = recordBytes;
  while (uncovered > 0 && indexEnd + recordBytes <= index.length) {
    const record = decodeRecord(index, indexEnd);
    if (record === undefined) break;
    const bytes = Math.min(record.bytes, uncovered);
    if (bytes < record.bytes) writeFully(handles.index, encodeRecord({ ...record, bytes }), indexEnd);
    position[record.stream] += bytes;
    uncovered -= bytes;
    indexEnd += recordBytes;
  }
  ftruncateSync(handles.index, indexEnd);
  ftruncateSync(handles.log, position.stdout + position.stderr);
  return { position, indexEnd };
};

const writeFully = (file: number, bytes: Uint8Array, at: number): void => {
  let written = 0;
  while (written < bytes.length) written += writeSync(file, bytes, written, bytes.length - written, at + written);
};

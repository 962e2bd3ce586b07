import type { FileHandle } from 'node:fs/promises';
import type { StoredChunk } from '../results.ts';
import { decodeRecord, type LogRecord, recordBytes } from './log-index.ts';

const recordsAtOnce = 4096;
const bytesAtOnce = 256 * 1024;

export type LogReader = {
  /** What has come since the last call, in order. */
  news(): AsyncGenerator<StoredChunk>;
  close(): Promise<void>;
};

/** Reads a log that may still be written, from byte `from` on, holding no more than a few hundred KB of it. */
export const logReader = (index: FileHandle, log: FileHandle, from: number): LogReader => {
  let record = 1;
  let recordStart = 0;
  let done = from;

  /** The size is asked for first: a record that had a successor then is final now. */
  const nextRecords = async () => {
    const known = Math.floor((await index.stat()).size / recordBytes) - record;
    const count = Math.min(Math.max(known, 0), recordsAtOnce);
    const { bytesRead, buffer } = await index.read(Buffer.alloc(count * recordBytes), 0, count * recordBytes, record * recordBytes);
    const records: LogRecord[] = [];
    for (let offset = 0; offset + recordBytes <= bytesRead; offset += recordBytes) {
      const found = decodeRecord(buffer, offset);
      if (found === undefined) break;
      records.push(found);
    }
    return { records, more: known > recordsAtOnce && records.length === count };
  };

  const bytesOf = logWindow(log);
  return {
    news: async function* () {
      for (let more = true; more; ) {
        const batch = await nextRecords();
        more = batch.more;
        const covered = batch.records.reduce((end, { bytes }) => end + bytes, recordStart);
        for (const [i, { stream, at, bytes }] of batch.records.entries()) {
          const end = recordStart + bytes;
          while (done < end) {
            const piece = await bytesOf(done, end, covered);
            if (piece.length === 0) return;
            done += piece.length;
            yield { stream, bytes: piece, at };
          }
          if (i + 1 < batch.records.length || more) {
            record++;
            recordStart = end;
          }
        }
      }
    },
    close: async () => {
      await Promise.all([index.close(), log.close()]);
    },
  };
};

/** Reads ahead as far as the log is covered, so that many small chunks do not become many small reads. */
const logWindow = (log: FileHandle): ((from: number, to: number, covered: number) => Promise<Uint8Array>) => {
  let start = 0;
  let held: Buffer = Buffer.alloc(0);
  return async (from, to, covered) => {
    if (from < start || from >= start + held.length) {
      const wanted = Math.min(bytesAtOnce, covered - from);
      const { bytesRead, buffer } = await log.read(Buffer.allocUnsafe(wanted), 0, wanted, from);
      start = from;
      held = buffer.subarray(0, bytesRead);
    }
    return held.subarray(from - start, Math.min(to - start, held.length));
  };
};

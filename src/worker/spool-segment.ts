import { ftruncateSync, readSync, writeSync } from 'node:fs';
import type { StoredChunk } from '../results/results.ts';
import type { LogPosition } from '../runtimes/runtime.ts';

/**
 * A part of a spooled log. It begins with what the log held before it, and has a record for each piece. Numbers are little-endian.
 *
 *     0  8  "cionspl1"        0  6  when it came, epoch ms
 *     8  8  bytes of stdout   6  2  1 = stdout, 2 = stderr
 *    16  8  bytes of stderr   8  4  bytes, which follow
 *
 * A tail that is no whole record is what a crash left behind, and counts for nothing.
 */
export const headerBytes = 24;
const recordBytes = 12;
const magic = 'cionspl1';
const streams = [undefined, 'stdout', 'stderr'] as const;

export type Piece = StoredChunk & { readonly end: number };

export const encodeHeader = ({ stdout, stderr }: LogPosition): Buffer => {
  const header = Buffer.alloc(headerBytes);
  header.write(magic, 'latin1');
  header.writeBigUInt64LE(BigInt(stdout), 8);
  header.writeBigUInt64LE(BigInt(stderr), 16);
  return header;
};

export const decodeHeader = (file: number): LogPosition | undefined => {
  const header = Buffer.alloc(headerBytes);
  if (readSync(file, header, 0, headerBytes, 0) < headerBytes || header.toString('latin1', 0, 8) !== magic) return undefined;
  return { stdout: Number(header.readBigUInt64LE(8)), stderr: Number(header.readBigUInt64LE(16)) };
};

export const encodePiece = ({ stream, bytes, at }: StoredChunk): Buffer => {
  const record = Buffer.alloc(recordBytes + bytes.length);
  record.writeUIntLE(Math.max(0, at), 0, 6);
  record.writeUInt16LE(streams.indexOf(stream), 6);
  record.writeUInt32LE(bytes.length, 8);
  record.set(bytes, recordBytes);
  return record;
};

/** The pieces from an offset on, without reading more than a block ahead. */
export const piecesFrom = function* (file: number, from: number, size: number): Generator<Piece> {
  const blockBytes = 64 * 1024;
  let block: Buffer = Buffer.alloc(0);
  let blockAt = from;
  const read = (at: number, bytes: number): Buffer | undefined => {
    if (at + bytes > size) return undefined;
    if (at < blockAt || at + bytes > blockAt + block.length) {
      const into = Buffer.alloc(Math.min(Math.max(bytes, blockBytes), size - at));
      block = into.subarray(0, readSync(file, into, 0, into.length, at));
      blockAt = at;
    }
    return block.length - (at - blockAt) < bytes ? undefined : block.subarray(at - blockAt, at - blockAt + bytes);
  };
  for (let at = from; ; ) {
    const record = read(at, recordBytes);
    const stream = record && streams[record.readUInt16LE(6)];
    if (record === undefined || stream === undefined) return;
    const when = record.readUIntLE(0, 6);
    const length = record.readUInt32LE(8);
    const bytes = read(at + recordBytes, length);
    if (bytes === undefined) return;
    at += recordBytes + length;
    yield { stream, bytes, at: when, end: at };
  }
};

export const writeFully = (file: number, bytes: Uint8Array, at: number): void => {
  try {
    for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written, bytes.length - written, at + written);
  } catch (error) {
    ftruncateSync(file, at);
    throw error;
  }
};

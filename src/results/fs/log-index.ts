import type { StoredChunk } from '../results.ts';

/**
 * Beside `<stage>.log`, the raw bytes of both streams as they came, lies `<stage>.log.idx`: which bytes are whose. Records of 16 bytes,
 * numbers little-endian. The first is the header:
 *
 *     0  8  "cionlog1"
 *     8  6  when the attempt began, epoch ms
 *    14  2  attempt
 *
 * and each further one says that the next `bytes` of the log are of one stream:
 *
 *     0  6  when they came, epoch ms
 *     6  1  1 = stdout, 2 = stderr
 *     7  1  0
 *     8  6  bytes
 *    14  2  0
 *
 * The last record may grow in place; the others are final. Bytes are written before the record that covers them, so whatever is
 * covered is there; a tail that no record covers, or half a record, is what a crash left behind and counts for nothing.
 */
export const recordBytes = 16;

export type LogHeader = { readonly startedAt: number; readonly attempt: number };
export type LogRecord = { readonly stream: StoredChunk['stream']; readonly at: number; readonly bytes: number };

const magic = 'cionlog1';
const streams = [undefined, 'stdout', 'stderr'] as const;

export const encodeHeader = ({ startedAt, attempt }: LogHeader): Buffer => {
  const record = Buffer.alloc(recordBytes);
  record.write(magic, 0, 'latin1');
  record.writeUIntLE(startedAt, 8, 6);
  record.writeUInt16LE(attempt, 14);
  return record;
};

export const decodeHeader = (index: Buffer): LogHeader | undefined =>
  index.length >= recordBytes && index.toString('latin1', 0, 8) === magic
    ? { startedAt: index.readUIntLE(8, 6), attempt: index.readUInt16LE(14) }
    : undefined;

export const encodeRecord = ({ stream, at, bytes }: LogRecord): Buffer => {
  const record = Buffer.alloc(recordBytes);
  record.writeUIntLE(at, 0, 6);
  record.writeUInt8(streams.indexOf(stream), 6);
  record.writeUIntLE(bytes, 8, 6);
  return record;
};

/** `undefined` when it is none, as after a power cut. */
export const decodeRecord = (index: Buffer, offset: number): LogRecord | undefined => {
  const stream = streams[index.readUInt8(offset + 6)];
  const bytes = index.readUIntLE(offset + 8, 6);
  return stream === undefined || bytes === 0 ? undefined : { stream, at: index.readUIntLE(offset, 6), bytes };
};

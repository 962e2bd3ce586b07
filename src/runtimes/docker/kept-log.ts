import { RuntimeError } from '../runtime-error.ts';
import type { LogChunk, LogPosition, StreamName } from '../runtime.ts';

/**
 * The engine's own log of a container, from its beginning, without the first bytes of each stream. With `isWhole` it throws LOG_GAP when
 * the log turns out to be shorter than what was read of it before.
 *
 * Engines before 23 lose the line feed after a line of more than 16 KiB: such a line comes as frames of exactly 16 KiB and a shorter one
 * without a line feed, which is put back when the stream goes on. At the very end it cannot be told.
 */
export async function* keptLog(body: AsyncIterable<Buffer>, from: LogPosition, isWhole: boolean): AsyncGenerator<LogChunk> {
  const streams: Record<StreamName, Reading> = { stdout: newReading(from.stdout), stderr: newReading(from.stderr) };
  let rest: Buffer = Buffer.alloc(0);
  for await (const bytes of body) {
    const joined = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    const chunks: Joined[] = [];
    let at = 0;
    while (joined.length >= at + headerBytes) {
      const end = at + headerBytes + joined.readUInt32BE(at + 4);
      if (joined.length < end) break;
      const stream = joined.readUInt8(at) === 2 ? 'stderr' : 'stdout';
      for (const piece of mended(streams[stream], joined.subarray(at + headerBytes, end))) join(chunks, stream, piece);
      at = end;
    }
    rest = joined.subarray(at);
    for (const { stream, pieces } of chunks) yield { stream, bytes: Buffer.concat(pieces) };
  }
  if (!isWhole) return;
  for (const [stream, { skip, owesLineFeed }] of Object.entries(streams)) {
    if (skip > (owesLineFeed ? 1 : 0)) {
      throw new RuntimeError('LOG_GAP', `the engine's log lacks ${skip} bytes of ${stream} that were there before`);
    }
  }
}

type Reading = { skip: number; inLongLine: boolean; owesLineFeed: boolean };
type Joined = { readonly stream: StreamName; readonly pieces: Buffer[] };

const newReading = (skip: number): Reading => ({ skip, inLongLine: false, owesLineFeed: false });

const partBytes = 16 * 1024;
const headerBytes = 8;
const lineFeed = Buffer.from('\n');

/** What a frame adds to its stream. */
const mended = (reading: Reading, frame: Buffer): readonly Buffer[] => {
  const pieces = reading.owesLineFeed ? [unskipped(reading, lineFeed), unskipped(reading, frame)] : [unskipped(reading, frame)];
  const isPart = frame.at(-1) !== 0x0a;
  reading.owesLineFeed = reading.inLongLine && isPart && frame.length < partBytes;
  reading.inLongLine = isPart && frame.length === partBytes;
  return pieces;
};

const unskipped = (reading: Reading, bytes: Buffer): Buffer => {
  if (reading.skip === 0) return bytes;
  const skipped = Math.min(reading.skip, bytes.length);
  reading.skip -= skipped;
  return bytes.subarray(skipped);
};

const join = (chunks: Joined[], stream: StreamName, piece: Buffer): void => {
  if (piece.length === 0) return;
  const last = chunks.at(-1);
  if (last?.stream === stream) last.pieces.push(piece);
  else chunks.push({ stream, pieces: [piece] });
};

import { RuntimeError } from '../runtime-error.ts';
import type { LogChunk, LogPosition, StreamName } from '../runtime.ts';

/**
 * The engine's own log of a container, from its beginning, without the first bytes of each stream. Throws LOG_GAP when the log turns
 * out to be shorter than what was read of it before.
 *
 * Engines before 23 lose the line feed after a line of more than 16 KiB: such a line comes as frames of exactly 16 KiB and a shorter one
 * without a line feed, which is put back when the stream goes on. At the very end it cannot be told.
 */
export async function* keptLog(body: AsyncIterable<Buffer>, from: LogPosition): AsyncGenerator<LogChunk> {
  const streams: Record<StreamName, Reading> = { stdout: newReading(from.stdout), stderr: newReading(from.stderr) };
  for await (const { stream, payload } of frames(body)) {
    const reading = streams[stream];
    if (reading.owesLineFeed) {
      reading.owesLineFeed = false;
      const lineFeed = taken(reading, Buffer.from('\n'));
      if (lineFeed !== undefined) yield { stream, bytes: lineFeed };
    }
    const isPart = payload.at(-1) !== 0x0a;
    reading.owesLineFeed = reading.inLongLine && isPart && payload.length < partBytes;
    reading.inLongLine = isPart && payload.length === partBytes;
    const bytes = taken(reading, payload);
    if (bytes !== undefined) yield { stream, bytes };
  }
  for (const [stream, { skip, owesLineFeed }] of Object.entries(streams)) {
    if (skip > (owesLineFeed ? 1 : 0)) {
      throw new RuntimeError('LOG_GAP', `the engine's log lacks ${skip} bytes of ${stream} that were there before`);
    }
  }
}

type Reading = { skip: number; inLongLine: boolean; owesLineFeed: boolean };

const newReading = (skip: number): Reading => ({ skip, inLongLine: false, owesLineFeed: false });

const partBytes = 16 * 1024;
const headerBytes = 8;

const taken = (reading: Reading, bytes: Buffer): Buffer | undefined => {
  if (reading.skip === 0) return bytes.length === 0 ? undefined : bytes;
  const skipped = Math.min(reading.skip, bytes.length);
  reading.skip -= skipped;
  return skipped === bytes.length ? undefined : bytes.subarray(skipped);
};

/** Whole frames: here, unlike elsewhere, their borders mean something. */
async function* frames(body: AsyncIterable<Buffer>): AsyncGenerator<{ readonly stream: StreamName; readonly payload: Buffer }> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const bytes of body) {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    let at = 0;
    while (rest.length >= at + headerBytes) {
      const end = at + headerBytes + rest.readUInt32BE(at + 4);
      if (rest.length < end) break;
      yield { stream: rest.readUInt8(at) === 2 ? 'stderr' : 'stdout', payload: rest.subarray(at + headerBytes, end) };
      at = end;
    }
    rest = rest.subarray(at);
  }
}

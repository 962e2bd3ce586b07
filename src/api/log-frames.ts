import type { StoredChunk } from '../results/results.ts';

/**
 * Chunks of a log on their way between a worker and the server, one frame each. Numbers are little-endian:
 *
 *     0  6  when they came, epoch ms
 *     6  1  1 = stdout, 2 = stderr
 *     7  1  0
 *     8  6  position: how much of that stream comes before
 *    14  2  0
 *    16  4  how many bytes follow
 */
export type LogFrame = StoredChunk & { readonly position: number };

/** Of one frame: longer chunks become several. */
export const maxFrameBytes = 256 * 1024;

const headerBytes = 20;
const streams = [undefined, 'stdout', 'stderr'] as const;

export class LogFrameError extends Error {
  readonly code = 'LOG_FRAME_INVALID';

  constructor(why: string) {
    super(`these are no frames of a log: ${why}`);
    this.name = 'LogFrameError';
  }
}

export const encodeFrame = ({ stream, at, position, bytes }: LogFrame): Buffer => {
  const frame = Buffer.allocUnsafe(headerBytes + bytes.length).fill(0, 0, headerBytes);
  frame.writeUIntLE(at, 0, 6);
  frame.writeUInt8(streams.indexOf(stream), 6);
  frame.writeUIntLE(position, 8, 6);
  frame.writeUInt32LE(bytes.length, 16);
  frame.set(bytes, headerBytes);
  return frame;
};

/** A chunk as frames that are not too long; `position` is that of its first byte. */
export const framesOf = (chunk: StoredChunk, position: number): readonly LogFrame[] =>
  Array.from({ length: Math.ceil(chunk.bytes.length / maxFrameBytes) }, (_, i) => ({
    stream: chunk.stream,
    at: chunk.at,
    position: position + i * maxFrameBytes,
    bytes: chunk.bytes.subarray(i * maxFrameBytes, (i + 1) * maxFrameBytes),
  }));

export type FrameDecoder = {
  /** The frames that are whole by now. Throws LogFrameError. */
  push(bytes: Uint8Array): readonly LogFrame[];
  /** Throws LogFrameError when a frame is not whole. */
  end(): void;
};

export const frameDecoder = (): FrameDecoder => {
  let held: Buffer = Buffer.alloc(0);
  return {
    push: (bytes) => {
      held = held.length === 0 ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) : Buffer.concat([held, bytes]);
      const frames: LogFrame[] = [];
      let start = 0;
      while (held.length - start >= headerBytes) {
        const { length, ...header } = headerAt(held, start);
        const end = start + headerBytes + length;
        if (held.length < end) break;
        frames.push({ ...header, bytes: held.subarray(start + headerBytes, end) });
        start = end;
      }
      held = held.subarray(start);
      return frames;
    },
    end: () => {
      if (held.length > 0) throw new LogFrameError('the last one is cut off');
    },
  };
};

const headerAt = (bytes: Buffer, start: number): Omit<LogFrame, 'bytes'> & { readonly length: number } => {
  const stream = streams[bytes.readUInt8(start + 6)];
  const length = bytes.readUInt32LE(start + 16);
  if (stream === undefined) throw new LogFrameError('a stream is neither stdout nor stderr');
  if (length === 0 || length > maxFrameBytes) throw new LogFrameError(`one has ${length} bytes`);
  return { stream, length, at: bytes.readUIntLE(start, 6), position: bytes.readUIntLE(start + 8, 6) };
};

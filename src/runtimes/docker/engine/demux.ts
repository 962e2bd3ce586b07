import { EngineError } from './engine-error.ts';
import type { OutputChunk } from './engine.ts';

/** Takes the engine's multiplexed stream apart, in pieces of any size. */
export type Demuxer = {
  /** What these bytes bring, as slices of them: nothing is copied or held back. Throws an EngineError. */
  push(bytes: Buffer): OutputChunk[];
  /** Throws an EngineError when the stream broke off in the middle of a frame. */
  end(): void;
};

/** A frame is: one byte that says which stream, three zeros, four bytes of length, and that many bytes of payload. */
export const demuxer = (): Demuxer => {
  const header = Buffer.alloc(headerBytes);
  let headerHas = 0;
  let stream: FrameStream = 'stdout';
  let payloadLeft = 0;
  let report = '';

  return {
    push: (bytes) => {
      const chunks: OutputChunk[] = [];
      let at = 0;
      while (at < bytes.length) {
        if (payloadLeft === 0) {
          const taken = bytes.copy(header, headerHas, at, at + headerBytes - headerHas);
          at += taken;
          headerHas += taken;
          if (headerHas < headerBytes) break;
          headerHas = 0;
          stream = streamOf(header);
          payloadLeft = header.readUInt32BE(4);
          continue;
        }
        const payload = bytes.subarray(at, at + payloadLeft);
        at += payload.length;
        payloadLeft -= payload.length;
        if (stream !== 'engine') chunks.push({ stream, bytes: payload });
        else {
          report += payload.toString();
          if (payloadLeft === 0) throw new EngineError('refused', report.trim());
        }
      }
      return chunks;
    },
    end: () => {
      if (headerHas > 0 || payloadLeft > 0) throw new EngineError('lost', 'the output of the container broke off in the middle');
    },
  };
};

/** For answers that are such a stream, e.g. `/containers/{id}/logs`. Stopping early stops the source. */
export async function* demux(source: AsyncIterable<Buffer>): AsyncGenerator<OutputChunk, void, undefined> {
  const frames = demuxer();
  for await (const bytes of source) yield* frames.push(bytes);
  frames.end();
}

const headerBytes = 8;

/** `engine`: a message of the engine itself, of what keeps it from going on. */
type FrameStream = OutputChunk['stream'] | 'engine';

const streams: readonly FrameStream[] = ['stdout', 'stdout', 'stderr', 'engine'];

const streamOf = (header: Buffer): FrameStream => {
  const stream = streams[header.readUInt8(0)];
  if (stream === undefined || header.readUIntBE(1, 3) !== 0) {
    throw new EngineError('lost', 'the output of the container is no multiplexed stream');
  }
  return stream;
};

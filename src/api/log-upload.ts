import type { LogWriter } from '../results/results.ts';
import { encodeFrame, framesOf, type LogFrame } from './log-frames.ts';

type Position = LogWriter['position'];

/** `upload` resolves with what is durable by then. */
export type LogUpload = {
  readonly from: Position;
  readonly batchBytes: number;
  upload(batch: Uint8Array): Promise<Position>;
  close(): Promise<void>;
};

/**
 * A log that goes to the server: one request at a time, what comes meanwhile goes with the next. When one fails, all that waits fails with
 * it, and what is appended then begins where the server's side ended; the server takes nothing twice.
 */
export const logUpload = ({ from, batchBytes, upload, close }: LogUpload): LogWriter => {
  let durable = { ...from };
  let next = { ...from };
  let waiting: { readonly frame: LogFrame; readonly done: PromiseWithResolvers<void> }[] = [];
  let pumping: Promise<void> | undefined;
  let closed = false;

  const takeBatch = (): typeof waiting => {
    let bytes = 0;
    const count = waiting.findIndex(({ frame }, i) => {
      bytes += frame.bytes.length;
      return i > 0 && bytes > batchBytes;
    });
    const batch = count === -1 ? waiting : waiting.slice(0, count);
    waiting = count === -1 ? [] : waiting.slice(count);
    return batch;
  };

  const pump = async (): Promise<void> => {
    // What is appended in the same turn goes together.
    await Promise.resolve();
    while (waiting.length > 0) {
      const batch = takeBatch();
      try {
        durable = await upload(Buffer.concat(batch.map(({ frame }) => encodeFrame(frame))));
        for (const { done } of batch) done.resolve();
      } catch (error) {
        for (const { done } of [...batch, ...waiting]) done.reject(error);
        waiting = [];
        next = { ...durable };
      }
    }
  };

  return {
    get position() {
      return { ...durable };
    },
    append: async (chunk) => {
      if (closed) throw new Error('the log is closed');
      const frames = framesOf(chunk, next[chunk.stream]).map((frame) => ({ frame, done: Promise.withResolvers<void>() }));
      next[chunk.stream] += chunk.bytes.length;
      waiting.push(...frames);
      pumping ??= pump().finally(() => {
        pumping = undefined;
      });
      await Promise.all(frames.map(({ done }) => done.promise));
    },
    close: async () => {
      if (closed) return;
      closed = true;
      await pumping;
      await close();
    },
  };
};

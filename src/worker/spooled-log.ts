import { abortable } from '../lib/abortable.ts';
import type { LogWriter, StoredChunk } from '../results/results.ts';
import type { Budget } from './budget.ts';
import { meaningOf } from './meaning.ts';
import type { Patience } from './patience.ts';
import type { Spool } from './spool.ts';
import { WorkerError } from './worker-error.ts';

export type SpooledLog = LogWriter & {
  /** Resolves when the server has all that was appended. */
  drained(): Promise<void>;
};

const batchBytes = 256 * 1024;

/**
 * A log that is written to the worker's disk at once, and from there to the server, in order, as long as that takes. `append` resolves when it is on the
 * disk, and waits when that has its fill, or is full of what waits; what the server refuses for good, `append` and `close` reject with. `begin` answers the
 * server's side of the log as it then is.
 */
export const spooledLog = (given: {
  readonly spool: Spool;
  readonly first: LogWriter;
  begin(): Promise<LogWriter>;
  readonly budget: Budget;
  readonly patience: Patience;
  readonly signal: AbortSignal;
}): SpooledLog => {
  const { spool, budget, patience } = given;
  const failed = new AbortController();
  const signal = AbortSignal.any([given.signal, failed.signal]);
  let stirred = Promise.withResolvers<void>();
  let empty = Promise.withResolvers<void>();
  let advanced = Promise.withResolvers<void>();
  let closing = false;

  const stir = (): void => {
    stirred.resolve();
    stirred = Promise.withResolvers();
  };

  /** A disk that is full of what waits has room again when that is taken. */
  const write = async (chunk: StoredChunk): Promise<void> => {
    for (;;) {
      const { promise: progress } = advanced;
      try {
        spool.append(chunk);
        return;
      } catch (error) {
        if (spool.waiting === 0 || !(error instanceof WorkerError) || error.code !== 'WORKER_DISK_FULL') throw error;
        await abortable(progress, signal);
      }
    }
  };

  const drain = async (): Promise<void> => {
    let remote = given.first;
    let failures = 0;
    for (;;) {
      const { promise: news } = stirred;
      const chunk = spool.next(batchBytes);
      if (chunk === undefined) empty.resolve();
      if (chunk === undefined && !closing) {
        await abortable(news, signal);
        continue;
      }
      try {
        if (chunk === undefined) return await abortable(remote.close(), signal);
        await abortable(remote.append(chunk), signal);
        spool.taken();
        budget.give(chunk.bytes.length);
        advanced.resolve();
        advanced = Promise.withResolvers();
        failures = 0;
      } catch (error) {
        if (signal.aborted || meaningOf(error) !== 'away') throw error;
        if (failures === 0) patience.waits(error);
        await patience.pause(++failures, signal);
        remote = await patience.until(given.begin, signal);
        const before = spool.waiting;
        if (!spool.seek(remote.position)) throw new WorkerError('WORKER_LOG_GAP', 'the server has lost a part of the log that it had');
        budget.give(before - spool.waiting);
      }
    }
  };

  budget.count(spool.waiting);
  const ended = drain()
    .catch((error: unknown) => {
      failed.abort(error);
      empty.reject(error);
      throw error;
    })
    .finally(() => {
      budget.give(spool.waiting);
      spool.close();
    });
  ended.catch(() => {});
  empty.promise.catch(() => {});

  return {
    get position() {
      return spool.position;
    },
    append: async (chunk) => {
      if (chunk.bytes.length === 0) return;
      await budget.take(chunk.bytes.length, signal);
      try {
        signal.throwIfAborted();
        await write(chunk);
      } catch (error) {
        budget.give(chunk.bytes.length);
        throw error;
      }
      if (spool.waiting === chunk.bytes.length) {
        empty = Promise.withResolvers();
        empty.promise.catch(() => {});
      }
      stir();
    },
    drained: () => empty.promise,
    close: async () => {
      closing = true;
      stir();
      await ended;
    },
  };
};

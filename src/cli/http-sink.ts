import type { Clock } from '../lib/clock.ts';

export type HttpSinkOptions = {
  readonly url: string;
  readonly token?: string;
  readonly run: string;
  readonly clock: Clock;
  /** Called at most once, when something does not arrive. */
  readonly warn: (reason: string) => void;
  readonly limits?: Partial<Limits>;
};

type Limits = {
  /** Waiting for the server, in all; what comes beyond it is left out, and how much that was is told with a line. */
  readonly queueBytes: number;
  readonly batchBytes: number;
  /** For one answer. */
  readonly answerMs: number;
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** For what is left at the end. */
  readonly closeMs: number;
};

/**
 * Sends JSON lines to a server in the background, in their order, several with one request; a request that does not succeed is sent again,
 * the same, with growing pauses. Nobody waits for it and nothing depends on it.
 */
export type HttpSink = {
  send(value: object): void;
  /** Resolves when all is there, or it is clear that it will not be soon. */
  close(): Promise<void>;
};

const defaults: Limits = {
  queueBytes: 8 * 1024 * 1024,
  batchBytes: 256 * 1024,
  answerMs: 10_000,
  firstPauseMs: 500,
  longestPauseMs: 30_000,
  closeMs: 5_000,
};

type Batch = { readonly number: number; readonly body: string; readonly lines: number };

export const httpSink = ({ url, token, run, clock, warn, limits: given = {} }: HttpSinkOptions): HttpSink => {
  const limits = { ...defaults, ...given };
  const stop = new AbortController();
  let waiting: string[] = [];
  let waitingBytes = 0;
  let dropped = 0;
  let sent = 0;
  let failures = 0;
  let isGivenUp = false;
  let isClosing = false;
  let warned = false;
  let endPause: (() => void) | undefined;
  let pumping: Promise<void> | undefined;

  const tell = (reason: string): void => {
    if (warned) return;
    warned = true;
    warn(reason);
  };

  const push = (line: string): void => {
    waiting.push(line);
    waitingBytes += Buffer.byteLength(line);
  };

  const nextBatch = (): Batch => {
    let bytes = 0;
    let count = 0;
    for (const line of waiting) {
      const more = Buffer.byteLength(line);
      if (count > 0 && bytes + more > limits.batchBytes) break;
      bytes += more;
      count++;
    }
    const taken = waiting.slice(0, count);
    waiting = waiting.slice(count);
    waitingBytes -= bytes;
    return { number: ++sent, body: taken.join(''), lines: count };
  };

  const post = async ({ number, body }: Batch): Promise<'taken' | 'again' | 'never'> => {
    try {
      const answer = await fetch(url, {
        method: 'POST',
        redirect: 'manual',
        headers: {
          'content-type': 'application/x-ndjson',
          'cion-run': run,
          'cion-batch': String(number),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        body,
        signal: AbortSignal.any([stop.signal, AbortSignal.timeout(limits.answerMs)]),
      });
      await answer.body?.cancel();
      if (answer.ok) return 'taken';
      const passes = answer.status >= 500 || [408, 425, 429].includes(answer.status);
      tell(`it answers ${answer.status}`);
      return passes ? 'again' : 'never';
    } catch (error) {
      if (!stop.signal.aborted) tell(reasonOf(error, limits.answerMs));
      return 'again';
    }
  };

  const pause = (): Promise<void> => {
    const over = Promise.withResolvers<void>();
    const cancel = clock.after(Math.min(limits.firstPauseMs * 2 ** (failures - 1), limits.longestPauseMs), over.resolve);
    endPause = () => {
      cancel();
      over.resolve();
    };
    return over.promise.finally(() => {
      endPause = undefined;
    });
  };

  const giveUp = (): void => {
    isGivenUp = true;
    waiting = [];
    waitingBytes = 0;
  };

  const deliver = async (batch: Batch): Promise<void> => {
    for (;;) {
      const answer = await post(batch);
      if (answer === 'taken') {
        failures = 0;
        return;
      }
      failures++;
      if (answer === 'never' || stop.signal.aborted) return giveUp();
      await pause();
      if (stop.signal.aborted) return giveUp();
    }
  };

  const pump = async (): Promise<void> => {
    // What is said in the same moment goes together.
    await Promise.resolve();
    while (!isGivenUp && (waiting.length > 0 || dropped > 0)) {
      if (waiting.length === 0) {
        push(`${JSON.stringify({ kind: 'dropped', lines: dropped })}\n`);
        dropped = 0;
      }
      await deliver(nextBatch());
    }
  };

  const begin = (): void => {
    pumping ??= pump().finally(() => {
      pumping = undefined;
    });
  };

  return {
    send: (value) => {
      if (isGivenUp || isClosing) return;
      const line = `${JSON.stringify(value)}\n`;
      if (dropped > 0 || waitingBytes + line.length > limits.queueBytes) {
        dropped++;
        tell('it is too slow, and not all can be kept for it');
      } else push(line);
      begin();
    },
    close: async () => {
      isClosing = true;
      const cancel = clock.after(limits.closeMs, () => {
        tell(`not all has arrived ${Math.round(limits.closeMs / 1000)} s after the end`);
        stop.abort();
        endPause?.();
      });
      endPause?.();
      await pumping;
      cancel();
    },
  };
};

const reasonOf = (error: unknown, answerMs: number): string => {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `it does not answer within ${Math.round(answerMs / 1000)} s`;
  const { cause } = error;
  return cause instanceof Error && 'code' in cause ? `it cannot be reached (${String(cause.code)})` : error.message;
};

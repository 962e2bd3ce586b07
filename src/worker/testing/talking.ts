import type { Execution, Exit, LogChunk, LogPosition, Runtime } from '../../runtimes/runtime.ts';

/**
 * Commands that say what a test lets them say, when it does. What was said is kept, as an engine keeps it: whoever attaches reads it from where they want
 * it. They end when the runtime below says so.
 */
export const talking = () => {
  const said: LogChunk[] = [];
  let news = Promise.withResolvers<void>();
  let isOver = false;
  let exit: Exit | undefined;
  const reads: LogPosition[] = [];
  const tell = (): void => {
    news.resolve();
    news = Promise.withResolvers();
  };

  const logsFrom = async function* (from: LogPosition, signal: AbortSignal): AsyncGenerator<LogChunk> {
    const skip = { ...from };
    reads.push({ ...from });
    for (let at = 0; ; at++) {
      while (at >= said.length && !isOver) {
        signal.throwIfAborted();
        await Promise.race([news.promise, new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))]);
      }
      const chunk = said[at];
      if (chunk === undefined) return;
      const rest = chunk.bytes.subarray(Math.min(skip[chunk.stream], chunk.bytes.length));
      skip[chunk.stream] -= chunk.bytes.length - rest.length;
      if (rest.length > 0) yield { stream: chunk.stream, bytes: rest };
    }
  };
  const heard = (execution: Execution): Execution => {
    void execution.exit.then((how) => {
      exit = how;
      isOver = true;
      tell();
    });
    return { ...execution, logs: logsFrom };
  };

  return {
    say: (text: string, stream: LogChunk['stream'] = 'stdout'): void => {
      said.push({ stream, bytes: Buffer.from(text) });
      tell();
    },
    exit: () => exit,
    /** From where it was read, each time. */
    reads,
    runtime: (runtime: Runtime): Runtime => ({
      ...runtime,
      start: async (...given) => heard(await runtime.start(...given)),
      attach: async (...given) => {
        const attached = await runtime.attach(...given);
        return attached.kind === 'live' ? { ...attached, execution: heard(attached.execution) } : attached;
      },
    }),
  };
};

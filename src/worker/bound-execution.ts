import type { Execution, LogChunk } from '../runtimes/runtime.ts';

/** Does work no longer than the attempt is ours. */
export type Bound = <T>(work: () => Promise<T>) => Promise<T>;

/** A running command for as long as it is ours; it goes on by itself afterwards. */
export const boundExecution = (bound: Bound, gone: AbortSignal, execution: Execution): Execution => {
  const exit = bound(() => execution.exit);
  exit.catch(() => {});
  return {
    container: execution.container,
    exit,
    logs: (from, signal, onMark) => {
      const chunks = execution.logs(from, AbortSignal.any([signal, gone]), onMark)[Symbol.asyncIterator]();
      return { [Symbol.asyncIterator]: (): AsyncIterator<LogChunk> => ({ next: () => bound(() => chunks.next()) }) };
    },
    stop: (graceMs) => bound(() => execution.stop(graceMs)),
    mayHaveStepArtifacts: () => execution.mayHaveStepArtifacts(),
    interrupt: () => bound(() => execution.interrupt()),
    take: (path, signal) => bound(() => execution.take(path, signal)),
    commit: (names, signal, push) => bound(() => execution.commit(names, signal, push)),
  };
};

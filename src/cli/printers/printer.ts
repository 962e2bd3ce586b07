import type { RunEvent } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';
import type { LogChunk, PrepareNote } from '../../runtimes/runtime.ts';

/**
 * Shows one run while it is executed: it can be given to the engine as its sink. Calls come in the order of what happened; `state` is
 * what `event` led to, valid during the call. The bytes of a log are as the engine stores them: already without secrets, and none at
 * all of sensitive stages. A promise returned by `log` settles when more is welcome.
 *
 * `close` comes once, last, however the run ended; what it changed about the terminal is undone when it returns, before its promise
 * settles, so that it may be called while the process dies.
 */
export type Printer = {
  event(event: RunEvent, state: RunState): void;
  log(stage: string, attempt: number, chunk: LogChunk): void | Promise<void>;
  note(stage: string, note: PrepareNote): void;
  close(): Promise<void>;
};

/** What printers need of `process.stdout`. */
export type Output = {
  write(text: string, taken?: (error?: Error | null) => void): boolean;
  on(event: 'drain' | 'error' | 'resize' | 'close', listener: (error?: Error) => void): unknown;
  off(event: 'drain' | 'error' | 'resize' | 'close', listener: (error?: Error) => void): unknown;
  readonly columns?: number;
  readonly rows?: number;
};

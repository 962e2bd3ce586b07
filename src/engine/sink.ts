import type { RunEvent } from '../run/run-event.ts';
import type { RunState } from '../run/run-state.ts';
import type { LogChunk, PrepareNote } from '../runtimes/runtime.ts';

/**
 * Who watches a run while it is executed. `event` comes after the event is durable, with the state it led to (valid during the call);
 * `log` after the bytes are stored: a promise it returns slows that stage's command down; `note` is news that is not kept.
 */
export type Sink = {
  event(event: RunEvent, state: RunState): void;
  log(stage: string, attempt: number, chunk: LogChunk): void | Promise<void>;
  note(stage: string, note: PrepareNote): void;
};

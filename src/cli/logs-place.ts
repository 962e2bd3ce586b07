import type { StageKey, StoredChunk } from '../results/results.ts';
import type { RunEvent } from '../run/run-event.ts';
import type { RunState } from '../run/run-state.ts';
import type { RunPlace } from './run-place.ts';

/** Where runs and their logs are. */
export type LogsPlace = {
  readonly runs: RunPlace;
  /** Whether more may come. */
  isLive(state: RunState): Promise<boolean>;
  /** From its first byte on; with `follow` until its attempt has ended. */
  log(
    state: RunState,
    key: Omit<StageKey, 'run'>,
    how: { readonly follow: boolean; readonly signal: AbortSignal },
  ): AsyncIterable<Pick<StoredChunk, 'stream' | 'bytes'>>;
  /** From the first on, until the run finishes. */
  events(state: RunState, signal: AbortSignal): AsyncIterable<RunEvent>;
};

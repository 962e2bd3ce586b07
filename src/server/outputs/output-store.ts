import type { AttemptKey } from '../../results/results.ts';

/**
 * Exact stdouts that the log may differ from: those of stages in runs with secrets. Never kept as they are. `keep` replaces what was kept of
 * that attempt; what has resolved is there after a crash.
 */
export type OutputStore = {
  keep(key: AttemptKey, stdout: Uint8Array): Promise<void>;
  /** `undefined` when there is none. Rejects with SealError when it cannot be read with the server's keys. */
  read(key: AttemptKey): Promise<Buffer | undefined>;
  /** All of a run. */
  remove(run: string): Promise<void>;
};

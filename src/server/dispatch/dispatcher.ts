import type { WorkerApi } from '../../api/worker-protocol.ts';
import type { RunEvent, RunFact, Trigger } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';

/**
 * Carries all runs of a server: what `execute` is to one run on a laptop. It has no loop: each report is one transaction in which facts
 * become events, what follows from them is decided, and items enter and leave the queue. It holds nothing that the store does not.
 */
export type Dispatcher = WorkerApi & {
  /** `exists`: there is one with the same `once` already (R-CIO-32). */
  create(run: WantedRun): Promise<{ readonly kind: 'created' | 'exists'; readonly run: string }>;
  /**
   * Facts from the server's own side: what was fetched and planned, a cancel, a decision, a re-run. Given the state as it is; asked again
   * when somebody was faster. Resolves when they are durable. Rejects with RUN_UNKNOWN.
   */
  report(run: string, facts: (state: RunState) => readonly RunFact[]): Promise<RunState>;
  /** What a project is allowed has changed: its limit counts from now on, also for what waits already. */
  policyChanged(project: string): Promise<void>;
  /** As it is now; `undefined` when there is none. */
  state(run: string): Promise<RunState | undefined>;
  /** Calls back after events are durable, in their order, from now on; of that run, or of all. */
  watch(run: string | undefined, listener: (events: readonly RunEvent[], state: RunState) => void): () => void;
  /** Takes up what a server before left, which has happened when it resolves; watches leases and the time-outs of gates until the signal aborts. Workers are answered from then on. */
  start(signal: AbortSignal): Promise<void>;
};

export type WantedRun = {
  /** `owner/name`, unique on this server. */
  readonly project: string;
  readonly pipeline: string;
  readonly commit?: string;
  readonly trigger: Trigger;
  readonly once?: string;
};

import type { Claimed } from '../../api/worker-protocol.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Stage } from '../../plan/plan.ts';
import type { RunState } from '../../run/run-state.ts';
import type { ProjectSettings } from '../../store/projects.ts';
import type { Queue } from '../../store/queue.ts';
import type { RunStore } from '../../store/run-store.ts';
import type { JobImages } from '../registry/job-images.ts';

export type DispatcherDeps = {
  readonly runs: RunStore;
  readonly queue: Queue;
  readonly clock: Clock;
  /** Sorts by time. */
  newRunId(now: number): string;
  /** What the items of a project get when they enter the queue. */
  policyOf(project: string): Promise<ProjectPolicy>;
  /** What a stage is given from outside of the plan: only what its text names. What it rejects with ends the attempt. */
  outsideOf(state: RunState, stage: Stage): Promise<GivenFromOutside>;
  /** The exact stdout of a stage's newest attempt, where it names an image. */
  outputOf(state: RunState, stage: string): Promise<{ readonly bytes: Uint8Array; readonly sensitive: boolean }>;
  /** Absent: the server has no registry of its own. */
  readonly images?: JobImages;
  /** Something in the background went wrong and is tried again. */
  failed(error: unknown): void;
  readonly limits: DispatchLimits;
};

export type GivenFromOutside = Claimed['outside'] & Pick<Claimed, 'redact'>;

export type ProjectPolicy = Pick<ProjectSettings, 'priority' | 'labels' | 'limit'>;

/** Times in ms. */
export type DispatchLimits = {
  readonly leaseMs: number;
  readonly graceMs: number;
  /** The longest that a claim or a report is let wait. */
  readonly claimWaitMs: number;
  readonly reportWaitMs: number;
  /** After a store that failed. */
  readonly retryMs: number;
  /** Runs whose folded state is kept; those that workers hold something of are kept beside them. */
  readonly cachedRuns: number;
};

export const defaultLimits: DispatchLimits = {
  leaseMs: 12_000,
  graceMs: 60_000,
  claimWaitMs: 60_000,
  reportWaitMs: 5_000,
  retryMs: 1_000,
  cachedRuns: 256,
};

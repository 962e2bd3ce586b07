import type { Phase, Outcome } from '../run/outcome.ts';
import type { Deployment, RunEvent, Trigger } from '../run/run-event.ts';

/**
 * The runs of a server: their events, the one queue of containers, and what was deployed. Events and queue change in one transaction.
 *
 * Order. The events of a run are numbered without holes; who appends says which number was the last it knew, and is told `conflict` when
 * another was faster: then nothing was written. Calls overlap freely.
 * Durability. What has resolved is there after a crash of the process (on PGlite not after one of the machine).
 * Errors. Adapters reject with StoreError and nothing else.
 */
export type RunStore = {
  /**
   * Makes the run with its first event, and its number of the project, unless there is one with the same `once`. Asked again for the same run (the answer
   * may have been lost), it answers the same.
   */
  create(run: NewRun): Promise<{ readonly kind: 'created'; readonly number: number } | { readonly kind: 'exists'; readonly run: string }>;
  /** `fenced` whatever its events are. After STORE_UNAVAILABLE it may have been written: then the same is a conflict. */
  append(change: RunChange): Promise<'appended' | 'conflict' | 'fenced'>;
  /** Those after `after`, in order; empty for a run that is not there. */
  events(run: string, after: number): Promise<readonly RunEvent[]>;
  /** The one that was made last first. */
  list(filter: RunFilter): Promise<readonly RunRow[]>;
  /** The one that was recorded last first: clocks may be set back. */
  deployments(filter: DeploymentFilter): Promise<readonly DeploymentRow[]>;
  /** With all that belongs to it. What is in the queue goes too. */
  remove(run: string): Promise<void>;
};

export type NewRun = {
  readonly run: string;
  readonly project: string;
  readonly pipeline: string;
  readonly commit?: string;
  readonly trigger: Trigger;
  /** Two runs with the same of a project are one (R-CIO-32). */
  readonly once?: string;
  readonly at: number;
};

/** What one append changes, all of it or nothing. */
export type RunChange = {
  readonly run: string;
  readonly after: number;
  readonly events: readonly RunEvent[];
  /** What lists show of the run from now on. */
  readonly row: Pick<RunRow, 'phase' | 'outcome' | 'commit' | 'branch' | 'subject' | 'digest' | 'startedAt' | 'finishedAt' | 'pipeline'>;
  readonly push: readonly NewQueueItem[];
  /** By id; those that are not there are no error. */
  readonly remove: readonly string[];
  /** Claimed items that go back to where they stood in the queue. */
  readonly giveBack: readonly string[];
  /** Only if that lease is the newest of its item, and, with a sequence, only if that is the next one: `fenced` otherwise. */
  readonly guard?: { readonly item: string; readonly token: number; readonly sequence?: number };
};

/** The list of runs of all projects shares this. Times are epoch ms. */
export type RunRow = {
  readonly run: string;
  readonly project: string;
  readonly number: number;
  readonly pipeline: string;
  readonly phase: Phase;
  readonly outcome?: Outcome;
  readonly trigger: Trigger;
  readonly commit?: string;
  readonly branch?: string;
  readonly subject?: string;
  readonly digest?: string;
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly finishedAt?: number;
  readonly lastSeq: number;
};

export type RunFilter = {
  readonly project?: string;
  readonly number?: number;
  readonly run?: string;
  /** One of these. */
  readonly runs?: readonly string[];
  readonly branch?: string;
  readonly commit?: string;
  readonly pipeline?: string;
  readonly outcome?: Outcome;
  /** `true`: those that have finished; `false`: the others. */
  readonly finished?: boolean;
  readonly finishedAfter?: number;
  /** Older than this one: for the next page. */
  readonly before?: string;
  readonly limit: number;
};

export type DeploymentRow = Deployment & {
  readonly run: string;
  readonly number: number;
  readonly project: string;
  readonly pipeline: string;
  readonly stage: string;
  readonly seq: number;
};

export type DeploymentFilter = {
  readonly project?: string;
  readonly environment?: string;
  readonly limit: number;
};

/** One attempt of one stage that waits for a worker. */
export type NewQueueItem = {
  /** `<run>/<stage>/<attempt>`. */
  readonly id: string;
  readonly run: string;
  readonly stage: string;
  readonly attempt: number;
  readonly project: string;
  readonly pipeline: string;
  /** Larger goes first. */
  readonly priority: number;
  /** A worker has to have all of them. */
  readonly labels: readonly string[];
  /** At most `limit` of one group are claimed at a time, over all runs. */
  readonly group?: { readonly name: string; readonly limit: number };
  /** Only this one: what it needs is on its engine. */
  readonly worker?: string;
  readonly at: number;
};

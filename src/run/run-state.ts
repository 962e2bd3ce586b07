import type { Circumstances, Plan } from '../plan/plan.ts';
import type { Problem } from '../plan/problem.ts';
import type { Cause, Outcome, Phase, SkipCause } from './outcome.ts';
import type { ArtifactRef, Decision, Deployment, FileTree, OutputRef, Source, Trigger } from './run-event.ts';

/** What a run's events amount to: derived by `fold`, never stored. */
export type RunState = {
  readonly run: string;
  readonly number: number;
  readonly project: string;
  readonly trigger: Trigger;
  readonly createdAt: number;
  readonly finishedAt?: number;
  readonly phase: Phase;
  readonly outcome?: Outcome;
  readonly cancel?: { readonly by: string; readonly force: boolean };
  /** Whether it may begin: absent where nobody is asked. */
  readonly approval?: ApprovalState;
  readonly fetch: FetchState;
  readonly plan?: Plan;
  /** The stages that print parts of the configuration, for a run that has such on a server. */
  readonly printing?: Plan;
  readonly digest?: string;
  readonly only?: ReadonlySet<string>;
  /** What the plan's values of the run are made of. */
  readonly circumstances?: Circumstances;
  /** By name, in the plan's order; those that printed come first. */
  readonly nodes: ReadonlyMap<string, NodeState>;
  readonly filledVolumes: ReadonlySet<string>;
  /** The digest of the tar of its files, where they are in a tree store. */
  readonly sourceTree?: string;
  readonly deployments: readonly (Deployment & { readonly stage: string })[];
  /** News of it as a whole: the first 20, each of at most 1000 characters. Absent: none. */
  readonly notes?: readonly string[];
  /** How many nodes have not finished. */
  readonly openNodes: number;
  /** Stages whose newest attempt failed or errored; a retry takes them out again. */
  readonly failures: ReadonlySet<string>;
  readonly lastSeq: number;
};

/** `commit`: which one is to be approved. Open until there is a decision. Times are epoch ms. */
export type ApprovalState = {
  readonly commit: string;
  readonly askedAt: number;
  readonly until: number;
  readonly decision?: Decision;
};

export type FetchState = {
  readonly phase: Phase;
  readonly outcome?: 'passed' | 'failed' | 'errored' | 'cancelled';
  readonly startedAt?: number;
  readonly finishedAt?: number;
  readonly source?: Source;
  readonly message?: string;
  readonly problems?: readonly Problem[];
};

export type NodeState = StageState | GateState;

export type StageState = {
  readonly kind: 'stage';
  readonly name: string;
  /** `waiting`: not handed to the queue yet. */
  readonly phase: Phase;
  readonly outcome?: Outcome;
  readonly skip?: SkipCause;
  /** Attempts so far, the newest last; empty before the first is queued. */
  readonly attempts: readonly AttemptState[];
  /** An explicit re-run waits for its next attempt. */
  readonly rerun: boolean;
};

export type AttemptState = {
  readonly attempt: number;
  readonly phase: 'queued' | 'preparing' | 'running' | 'finished';
  readonly because?: Cause;
  readonly queuedAt: number;
  /** Who has it, or had it last. */
  readonly worker?: string;
  /** Nobody has heard of the worker since then. */
  readonly lostSince?: number;
  /** What it left in volumes: digests of tars in the tree store, by the name of the volume. */
  readonly keptVolumes?: Readonly<Record<string, string>>;
  readonly startedAt?: number;
  readonly finishedAt?: number;
  readonly outcome?: Outcome;
  readonly cause?: Cause;
  readonly image?: { readonly reference: string; readonly digest: string; readonly pulled: boolean; readonly ofRegistry?: true };
  readonly container?: string;
  readonly output?: OutputRef;
  readonly artifacts?: ArtifactRef;
  readonly stepArtifacts?: ArtifactRef;
  /** Its command has passed, its `done` was let go. */
  readonly done?: { readonly startedAt: number; readonly container: string };
  readonly tree?: FileTree;
  /** The image that it became. */
  readonly committed?: { readonly reference: string; readonly digest: string };
  /** News of what was done with its container: the first 20, each of at most 1000 characters. Absent: none. */
  readonly notes?: readonly string[];
  /** In the order in which they began, also those of `after`. */
  readonly steps: readonly StepState[];
};

export type StepState = {
  readonly id: string;
  readonly phase: 'running' | 'finished';
  readonly outcome?: 'passed' | 'failed' | 'errored' | 'cancelled';
  readonly exitCode?: number;
  /** Its own time was over. */
  readonly cause?: Cause & { readonly kind: 'timeout' };
  readonly message?: string;
  readonly numbers?: Readonly<Record<string, string>>;
  readonly startedAt: number;
  readonly finishedAt?: number;
  /** How many bytes of each stream the stage had written before. */
  readonly log: { readonly stdout: number; readonly stderr: number };
  readonly image?: { readonly reference: string; readonly digest: string };
};

export type GateState = {
  readonly kind: 'gate';
  readonly name: string;
  readonly phase: Phase;
  readonly outcome?: Outcome;
  readonly openedAt?: number;
  readonly finishedAt?: number;
  readonly decision?: Decision;
  readonly skip?: SkipCause;
};

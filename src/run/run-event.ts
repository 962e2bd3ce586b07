import type { Circumstances, Plan } from '../plan/plan.ts';
import type { Problem } from '../plan/problem.ts';
import type { Cause, Outcome, SkipCause } from './outcome.ts';

/**
 * What happened: a Run *is* its events, in order, append-only; `fold` makes the RunState of them. An event is appended durably
 * before it is acted on. Names are wire format: they stay. `at` is epoch ms, `seq` counts from 1 without holes.
 */
export type RunEvent = { readonly seq: number; readonly at: number } & RunFact;

export type RunFact =
  | {
      readonly kind: 'run.created';
      readonly run: string;
      /** Counts from 1 per project (R-CIO-58). */
      readonly number: number;
      readonly project: string;
      readonly trigger: Trigger;
    }
  /** Another process took over after a crash. */
  | { readonly kind: 'run.resumed' }
  /** An explicit re-run: the named stages (and what needs them) get another attempt (R-CIO-33). */
  | { readonly kind: 'run.rerun'; readonly stages: readonly string[]; readonly trigger: Trigger }
  | { readonly kind: 'run.cancel-requested'; readonly by: string; readonly force: boolean }
  | { readonly kind: 'run.finished'; readonly outcome: Outcome }
  /** Its commit comes from a fork: nothing of it is fetched before somebody approves this commit, until `until` (epoch ms) at the latest. */
  | { readonly kind: 'approval.asked'; readonly commit: string; readonly until: number }
  /** Rejected or expired, the run ends. */
  | { readonly kind: 'approval.decided'; readonly decision: Decision }
  /** News of the run outside its stages: what it waits for, whose release it does again. `aside`: what it is about to do, for who follows it: `get code`, `parse wercker.yml`. */
  | { readonly kind: 'run.noted'; readonly text: string; readonly aside?: true }
  | { readonly kind: 'fetch.started' }
  | { readonly kind: 'fetch.finished'; readonly source: Source }
  /** The files of the run are in the tree store, by the digest of their tar: any worker can have them. */
  | { readonly kind: 'source.kept'; readonly tree: string; readonly bytes: number }
  /** The run ends here: the commit or its configuration cannot be had (R-CIO-19). */
  | {
      readonly kind: 'fetch.failed';
      readonly outcome: 'failed' | 'errored';
      readonly message: string;
      readonly problems: readonly Problem[];
    }
  /**
   * Compiling wants what images print: one stage for each, also for those of before. It runs before the run has its plan, which is then made of what they
   * printed (docs/adr/0080-images-that-print-on-a-server.md).
   */
  | { readonly kind: 'run.printing'; readonly plan: Plan }
  /**
   * `digest`: of what the text says, before the command line or the place where it runs say more. `only`: the nodes of the plan that this run is
   * about; absent: all of them. `circumstances`: those that the plan asks for.
   */
  | {
      readonly kind: 'run.planned';
      readonly plan: Plan;
      readonly digest: string;
      readonly only?: readonly string[];
      readonly circumstances?: Circumstances;
    }
  | { readonly kind: 'volume.filled'; readonly volume: string }
  /** Handed to the queue: one attempt of one stage. `because` says why it is not the first. */
  | { readonly kind: 'stage.queued'; readonly stage: string; readonly attempt: number; readonly because?: Cause }
  /** A worker has taken it; images are pulled, services started, the container made. */
  | { readonly kind: 'stage.preparing'; readonly stage: string; readonly attempt: number; readonly worker?: string }
  /** Nobody has heard of its worker since the lease ended. It may come back and go on. */
  | { readonly kind: 'stage.lost'; readonly stage: string; readonly attempt: number; readonly worker: string }
  /** Its worker is back, or begun anew, and stays with what it had let go. */
  | { readonly kind: 'stage.found'; readonly stage: string; readonly attempt: number; readonly worker: string }
  /** It is certain that it was never let go: the same attempt is in the queue again. */
  | {
      readonly kind: 'stage.returned';
      readonly stage: string;
      readonly attempt: number;
      readonly worker: string;
      readonly because: 'lost' | 'given-back';
    }
  /** What the attempt left in a volume is in the tree store, by the digest of its tar: any worker can have it. */
  | {
      readonly kind: 'volume.kept';
      readonly stage: string;
      readonly attempt: number;
      readonly volume: string;
      readonly tree: string;
      readonly bytes: number;
    }
  | {
      readonly kind: 'image.resolved';
      readonly stage: string;
      readonly attempt: number;
      readonly reference: string;
      readonly digest: string;
      readonly pulled: boolean;
      /** The digest is its registry's, not an engine's own. */
      readonly ofRegistry?: true;
    }
  /** Appended before the command is let go: after it the attempt counts as run. */
  | { readonly kind: 'stage.started'; readonly stage: string; readonly attempt: number; readonly container: string }
  /** Its command has passed; appended before its `done` is let go. */
  | {
      readonly kind: 'stage.done-started';
      readonly stage: string;
      readonly attempt: number;
      readonly container: string;
      readonly output?: OutputRef;
    }
  /** `log`: how many bytes of each stream the stage had written before. */
  | {
      readonly kind: 'step.started';
      readonly stage: string;
      readonly attempt: number;
      readonly step: string;
      readonly log: { readonly stdout: number; readonly stderr: number };
    }
  | {
      readonly kind: 'step.finished';
      readonly stage: string;
      readonly attempt: number;
      readonly step: string;
      readonly outcome: 'passed' | 'failed' | 'errored' | 'cancelled';
      readonly exitCode?: number;
      /** Its own time was over. */
      readonly cause?: Cause & { readonly kind: 'timeout' };
      /** What the step said of itself. */
      readonly message?: string;
      readonly numbers?: Readonly<Record<string, string>>;
      readonly image?: { readonly reference: string; readonly digest: string };
    }
  /**
   * News of what is done with a container: an image pushed, a cache not kept. A sentence without its full stop. `aside`: what of a stage of
   * steps is about to be done, for who follows it: `environment variables`, `saving build output`.
   */
  | { readonly kind: 'stage.noted'; readonly stage: string; readonly attempt: number; readonly text: string; readonly aside?: true }
  | {
      readonly kind: 'stage.finished';
      readonly stage: string;
      readonly attempt: number;
      readonly outcome: Exclude<Outcome, 'skipped'>;
      /** Absent when it passed. */
      readonly cause?: Cause;
      /** Its stdout, when it ran. */
      readonly output?: OutputRef;
      /** Its files, when it left any. */
      readonly artifacts?: ArtifactRef;
      /** What its steps kept for themselves: the files of each below its id. */
      readonly stepArtifacts?: ArtifactRef;
      /** Where they are for later stages of the run. */
      readonly tree?: FileTree;
      /** What it committed. */
      readonly image?: { readonly reference: string; readonly digest: string };
    }
  | { readonly kind: 'stage.skipped'; readonly stage: string; readonly cause: SkipCause }
  | { readonly kind: 'gate.opened'; readonly gate: string }
  | { readonly kind: 'gate.decided'; readonly gate: string; readonly decision: Decision }
  | { readonly kind: 'gate.skipped'; readonly gate: string; readonly cause: SkipCause }
  | { readonly kind: 'deployment.recorded'; readonly stage: string; readonly deployment: Deployment };

/**
 * Why a run exists. `by` is a person's or system's name, for people; `actor` the forge's numeric id of who did it, by which trust is decided.
 * `from`: the run whose files it takes on; `fromNumber`: its number, where that is known. `ref`: as git has it, `refs/heads/main`.
 */
export type Trigger =
  | { readonly kind: 'manual'; readonly by: string; readonly from?: string; readonly fromNumber?: number; readonly ref?: string }
  | { readonly kind: 'push' | 'tag'; readonly by: string; readonly actor?: string; readonly ref: string; readonly from?: never }
  | {
      readonly kind: 'pull-request';
      readonly by: string;
      readonly actor?: string;
      readonly number: number;
      readonly ref: string;
      /** Its commit comes from a repository that is not the project's own: nothing of it is trusted. */
      readonly fork: boolean;
      /** The forge's numeric ids of those whose change it is: who opened it, and who pushed to it. */
      readonly authors?: readonly string[];
      readonly from?: never;
    }
  | { readonly kind: 'schedule'; readonly by: string; readonly schedule: string; readonly at: number; readonly from?: never }
  /** The version of a package changed (R-DCK-90, R-DCK-91). */
  | {
      readonly kind: 'package';
      readonly by: string;
      readonly package: string;
      readonly oldVersion: string;
      readonly newVersion: string;
      readonly from?: never;
    }
  /** Another pipeline turned green (R-DCK-87). */
  | { readonly kind: 'pipeline'; readonly by: string; readonly pipeline: string; readonly run: string; readonly from?: never };

/** What a run is about: a commit, perhaps with changes on top, or a bare directory. */
export type Source = {
  /** Full hash; absent where the directory is no git repository. */
  readonly commit?: string;
  readonly branch?: string;
  /** First line of the commit's message. */
  readonly subject?: string;
  /** Git tree of what was really run; equals the commit's where nothing was changed. */
  readonly tree?: string;
  /** Files that differ from the commit; 0 for a clean checkout. */
  readonly changedFiles: number;
  readonly files: number;
  readonly bytes: number;
};

export type OutputRef = { readonly bytes: number; readonly digest: string };

export type FileTree = { readonly volume: string; readonly directory?: string };

export type ArtifactRef = {
  /** Key of the zip in the results. */
  readonly key: string;
  readonly bytes: number;
  readonly files: readonly ArtifactFile[];
};
/** `mode` are the permission bits. Directories end in `/` and have no digest; a symbolic link has its target. */
export type ArtifactFile = {
  readonly path: string;
  readonly bytes: number;
  readonly mode: number;
  readonly digest?: string;
  readonly target?: string;
};

/** How a gate, or the approval of a run, was decided, by whom and when (R-DCO-36). The first decision counts. */
export type Decision = {
  readonly kind: 'approved' | 'rejected' | 'expired';
  readonly by: string;
  readonly at: number;
  /** What who decided said about it. */
  readonly reason?: string;
};

/** What was deployed where (R-CIO-18). */
export type Deployment = {
  readonly environment: string;
  readonly commit?: string;
  readonly changedFiles: number;
  /** The stage's image: as named, and the digest that ran. */
  readonly image: { readonly reference: string; readonly digest: string };
  readonly artifacts?: string;
  readonly at: number;
};

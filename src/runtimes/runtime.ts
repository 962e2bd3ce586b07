import type { Readable } from 'node:stream';
import type { Stage, Steps } from '../plan/plan.ts';

/**
 * A Runtime runs Items: one attempt of one stage as one container and its services. This contract binds every adapter; the suite in
 * runtime.contract.ts runs over all of them.
 *
 * Order. `write` fills the volumes an item mounts, `prepare` makes everything ready, `start` lets the command go, `read` takes files out
 * while the item's things are still there, `sweep` removes them. `attach` replaces prepare + start for an attempt whose `stage.started`
 * event was recorded by a process that has died since.
 *
 * Overlap. Calls for different items may overlap freely; calls for one item come one after the other, except `sweep`, which may come at
 * any time and wins. Items that overlap cannot reach each other over the network, nor see each other's files except through volumes
 * both mount.
 *
 * Idempotency. Names of all things are derived from (run, stage, attempt) and (run, volume). `write`, `prepare` and `sweep` may be
 * repeated at will, also by another process after a crash in their middle. `start` lets the command go at most once for an item, ever.
 *
 * Places. The engine may be far away: no host path of this process means anything to it, and nothing is moved except through it.
 *
 * Logs. What a command writes is kept by the engine until its container is removed, so that whoever attaches reads all of it. When the engine
 * was restarted while the command ran, a reader gets what was kept to the end of the command, and then LOG_GAP. Not so with
 * `log: 'live'`: then only the process that let it go can read it, once, from the first byte; a command waits for that reader as long as it
 * takes. Any other reader, and this one when its connection to the engine broke, gets LOG_GAP, never a log with a hole; the command is told
 * nothing and is the caller's to stop.
 *
 * Traces. Everything made carries labels from which `sweep` finds it again. Values of environment variables marked secret are in no
 * label, name, image or command line, nor in an error; where the image has a shell, they are not in the engine's records either.
 *
 * Errors. Adapters throw RuntimeError and nothing else, except the signal's reason when it aborts. A command that says no is no error.
 * An aborted call stops waiting; what it had made stays for `sweep`, whose signal is always its own.
 */
export type Runtime = {
  /** For people: which engine, where. */
  readonly name: string;

  /**
   * A hint: nothing runs now. Makes one of what takes long, whichever run comes next: that run has it then, and `sweep` of the run removes it. Until then it is `spare`. What fails is made when it is needed.
   */
  ready(signal: AbortSignal): Promise<void>;

  /**
   * Pulls images (once per image and run, joining a pull under way), makes network, services (started and ready), volumes and the
   * container; may start it held before the command, never lets the user's command run. May be called long before `start`, as a
   * hint, and then again: the second call joins or repeats the first.
   */
  prepare(item: Item, notify: (note: PrepareNote) => void, signal: AbortSignal): Promise<Prepared>;

  /** Lets the command of a prepared item go and returns at once. Output is there from the first byte on, whenever it is read. */
  start(item: Item, values: Values, signal: AbortSignal): Promise<Execution>;

  /** Finds an attempt that was perhaps let go by a process that is gone. */
  attach(item: Item, signal: AbortSignal): Promise<Attached>;

  /**
   * Unpacks a tar stream into a volume of the run, made if missing; existing files of the same name are replaced. Any user may write to a
   * volume unless an entry for its root (`./`), the first in the tar, says otherwise.
   */
  write(volume: VolumeRef, tar: Readable, signal: AbortSignal): Promise<void>;

  /**
   * A tar stream of all that is in a volume, or in one directory of it, paths relative to its root; `undefined` when the volume has no such
   * directory (a link to one is none). Its reader may stop early by destroying it.
   */
  read(tree: VolumeRef & { readonly directory?: string }, signal: AbortSignal): Promise<Readable | undefined>;

  /** Stops and removes, by force, all that is in scope, also what other processes made. Says what it removed. */
  sweep(scope: SweepScope, signal: AbortSignal): Promise<Swept>;
};

/** One unit of the queue: plain data, complete, so that any worker can take it (R-CIO-02). */
export type Item = {
  readonly run: string;
  /** Whose caches it mounts. */
  readonly project: string;
  /** Without mounts of kind `artifacts` and images of kind `stage` and `output`: the engine knows by now what they are. */
  readonly stage: Stage;
  readonly attempt: number;
  /** The attempt's second container: it runs the stage's `done`. `sweep` of an attempt removes both. */
  readonly part?: 'done';
  /** A hint: no other stage and no part of its run ever comes to share what is made for it. */
  readonly alone?: true;
};

/** What only the moment of the start can give: resolved values. */
export type Values = {
  readonly env: Readonly<Record<string, EnvironmentValue>>;
  /** By service name. */
  readonly serviceEnv: Readonly<Record<string, Readonly<Record<string, EnvironmentValue>>>>;
  readonly files: readonly { readonly path: string; readonly content: Uint8Array; readonly private?: true }[];
  /** The command of a stage of steps, its variables literal or `expanded`; absent where they are so in the plan. */
  readonly steps?: Steps;
};
export type EnvironmentValue = { readonly value: string; readonly secret: boolean };

export type PrepareNote =
  | { readonly kind: 'pulling'; readonly reference: string; readonly doneBytes: number; readonly totalBytes: number }
  /** A line of the log of an image that is built; `dockerfile` as the plan says it. */
  | { readonly kind: 'building'; readonly dockerfile: string; readonly line: string }
  | { readonly kind: 'resolved'; readonly image: ResolvedImage }
  | { readonly kind: 'service-ready'; readonly service: string };

/** `digest`: of the manifest where a registry knows it (`sha256:…`), else the image's own id. */
export type ResolvedImage = {
  readonly reference: string;
  readonly digest: string;
  readonly pulled: boolean;
  /** The digest is its registry's: with it, any engine has the same image. */
  readonly ofRegistry?: true;
};

export type Prepared = {
  /** The container's name, derived from the item. */
  readonly container: string;
  readonly image: ResolvedImage;
};

export type Execution = {
  readonly container: string;
  /**
   * What the command writes, in the engine's order, beginning after the given number of bytes of each stream; ends when the container
   * has ended and all is delivered. A reader that is slow slows the command, nothing is dropped. Called once. Rejects with LOG_GAP when part of it is lost.
   */
  logs(from: LogPosition, signal: AbortSignal, onMark?: OnMark): AsyncIterable<LogChunk>;
  /** Settles when the container has ended. Rejects with a RuntimeError when that cannot be known. */
  readonly exit: Promise<Exit>;
  /** Asks politely (the image's stop signal), and after the grace kills. May be called again with less grace. */
  stop(graceMs: number): Promise<void>;
  /** Ends the step that runs, by force; the steps in `after` follow. */
  interrupt(): Promise<void>;
  /** After the exit: a tar of a directory of the container, paths relative to it; `undefined` when there is no such directory. */
  take(path: string, signal: AbortSignal): Promise<Readable | undefined>;
  /** After the end of the log: false when steps have certainly left no file in `artifacts` of their report directories. */
  mayHaveStepArtifacts(): boolean;
  /**
   * After the exit: the container's file system as an image with these names (see Stage.commit), with the configuration of the image it was
   * made of. Nothing of the environment, the command or the mounts of the container is in it. Repeatable. With `push` it is also sent to the
   * registry of each name, with this machine's credentials for it; `push` is told how that goes, a line at a time.
   */
  commit(
    names: readonly string[],
    signal: AbortSignal,
    push?: (line: string) => void,
  ): Promise<{ readonly reference: string; readonly digest: string }>;
};

export type Attached =
  | { readonly kind: 'live'; readonly execution: Execution }
  /** It is certain that the command was never let go: prepare and start it. */
  | { readonly kind: 'unstarted' }
  /** Its container is gone: whether the command ran cannot be known. */
  | { readonly kind: 'gone' };

export type StreamName = 'stdout' | 'stderr';
export type LogPosition = { readonly stdout: number; readonly stderr: number };
/**
 * Called, and waited for, when all chunks before the mark were taken; a reader that begins later is told the marks of its part, and those
 * at the very position where it begins, which it may have been told before.
 */
export type OnMark = (mark: StepMark) => Promise<void>;

/** Where a step begins or ends in what its stage writes. */
export type StepMark =
  | { readonly mark: 'begin'; readonly step: string }
  | {
      readonly mark: 'end';
      readonly step: string;
      /** That of the last command, or the one that the shell ended with. */
      readonly code: number;
      readonly message?: string;
      readonly numbers?: Readonly<Record<string, string>>;
      readonly image?: { readonly reference: string; readonly digest: string };
    };
export type LogChunk = { readonly stream: StreamName; readonly bytes: Uint8Array };

/** `code` is 128 + n where the process died of signal n. */
export type Exit = { readonly code: number; readonly oom: boolean };

export type VolumeRef = { readonly run: string; readonly volume: string };

export type SweepScope =
  | { readonly kind: 'attempt'; readonly run: string; readonly stage: string; readonly attempt: number }
  | { readonly kind: 'run'; readonly run: string }
  /** Names that images were committed under, where they still mean that image; it goes with the last of them. */
  | { readonly kind: 'images'; readonly images: readonly { readonly reference: string; readonly digest: string }[] }
  /** What was made ready and no run has taken, also by other processes. */
  | { readonly kind: 'spare' }
  /** That, and what runs share and none uses now: a network, an image of ours. Not caches. */
  | { readonly kind: 'unused' }
  /** All that any cion made with this engine, except of the runs named. Not caches. */
  | { readonly kind: 'all'; readonly exceptRuns: readonly string[] }
  /** The caches of a project, or of all. */
  | { readonly kind: 'caches'; readonly project?: string };

export type Swept = { readonly containers: number; readonly volumes: number; readonly networks: number; readonly images: number };

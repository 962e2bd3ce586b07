import type { Range } from './problem.ts';

/**
 * What should happen, as immutable plain data: the only thing the engine knows of a project. Every dialect compiles to it and no
 * dialect's word survives in it (R-CIO-02). A Plan is a DAG of Stages and Gates; file trees move between stages as Volumes.
 *
 * Durations are milliseconds, sizes bytes. Optional means "absent", never `undefined` as a value, so that the JSON is canonical.
 */
export type Plan = {
  readonly version: 1;
  /** Unique in its repository, e.g. `cion` for `.cion.yml`. */
  readonly pipeline: string;
  /** In the order of the text; the engine breaks ties by it. Names are unique. */
  readonly nodes: readonly PlanNode[];
  readonly volumes: readonly Volume[];
};

export type PlanNode = Stage | Gate;

/** One container (and its services) that runs one piece of the project's work. */
export type Stage = {
  readonly kind: 'stage';
  readonly name: string;
  /** Where the text says it; not part of the plan's digest. */
  readonly range?: Range;
  readonly needs: readonly Need[];
  readonly image: ImageSource;
  readonly command: Command;
  /** Runs after `command` passed, in a container like it and with a log of its own; the stage is complete when it passes (R-DCO-49 … 51). */
  readonly done?: { readonly command: Command; readonly timeouts: Timeouts };
  /** Absolute path in the container; absent: the image's own. */
  readonly workdir?: string;
  /** As `docker run --user`; absent: the image's own. */
  readonly user?: string;
  readonly env: Readonly<Record<string, EnvValue>>;
  readonly mounts: readonly Mount[];
  /** Empty directories, absolute, made for the user of the command in the container itself: what is in them is in an image that it becomes. */
  readonly directories?: readonly string[];
  /** Directories of the ended container that replace what is kept under a cache's key, pass or fail; one over its limit is not kept. */
  readonly caches?: readonly { readonly key: string; readonly path: string; readonly limitBytes: number }[];
  /** Small values as read-only files. The directories that hold them hold nothing else. */
  readonly files: readonly InputFile[];
  /** Absent: the stage leaves no files behind. Kept in the results as the stage's zip, pass or fail. */
  readonly artifacts?: Artifacts;
  /** In place of `artifacts`: files that are in no volume. */
  readonly taken?: TakenFiles;
  readonly services: readonly Service[];
  readonly limits: Limits;
  readonly timeouts: Timeouts;
  readonly retry: Retry;
  /** Runs when its needs have ended, however they ended, also after a failure or a cancel elsewhere: clean-up. */
  readonly always: boolean;
  /** That it failed (not: errored) does not fail the run: a probe whose answer other stages ask for (`Need.on: 'failed'`), or a stage that may fail. */
  readonly mayFail: boolean;
  /** No log and no zip of its files anywhere; its output is a secret. */
  readonly sensitive: boolean;
  /**
   * Absent: what it writes is kept by the engine until cion has it, so that nothing is lost when cion dies. `live`: only cion holds it, which is
   * faster for a stage that writes hundreds of megabytes; an attempt during which cion died ends errored (LOG_GAP).
   */
  readonly log?: 'live';
  /** A passed stage with this is a Deployment. */
  readonly deploys?: { readonly environment: string };
  /**
   * When it passed, the file system of its container becomes an image with these names (`repository:tag`); without names it is one of the
   * run's own, gone with it. Later stages run it as `{ kind: 'stage' }`. In names `{run}` is the run's number, `{outcome}` is `green` or `red`.
   */
  readonly commit?: Commit;
};

/**
 * `ended`: also when the stage failed. `push`: to the registries of its names. `steps`: also after each step, for a look at it later. `registry`:
 * names at the registry of the server that runs it, where it is pushed too; texts do not say it. */
export type Commit = {
  readonly names: readonly string[];
  readonly registry?: readonly string[];
  readonly when?: 'ended';
  readonly push?: true;
  readonly steps?: true;
};

/** A node that waits for a Decision; it holds no worker. */
export type Gate = {
  readonly kind: 'gate';
  readonly name: string;
  readonly range?: Range;
  readonly needs: readonly Need[];
  readonly waitsFor: GateReason;
  /** Absent: waits for ever. */
  readonly timeoutMs?: number;
};

export type GateReason =
  | { readonly kind: 'person'; readonly who: readonly string[] }
  /** Another pipeline turns green after this run started (R-DCK-64). */
  | { readonly kind: 'pipeline'; readonly pipeline: string };

/**
 * An edge. `passed`: that node passed. `failed`: that stage ran and its command said no. `finished`: it ended, however.
 * See engine/decide.ts for what a skipped node means to those that need it.
 */
export type Need = { readonly node: string; readonly on: 'passed' | 'failed' | 'finished' };

export type ImageSource =
  /** Any registry reference, with a tag or a digest; without either the runtime takes `:latest`, explicitly. */
  | { readonly kind: 'reference'; readonly reference: string }
  /** Built from a Dockerfile in a `source` volume; paths are relative to its root. Built once for one content. */
  | { readonly kind: 'build'; readonly volume: string; readonly context: string; readonly dockerfile: string }
  /** The image that an earlier stage committed. */
  | { readonly kind: 'stage'; readonly stage: string }
  /** The image whose reference is an earlier stage's stdout, outer white space trimmed. */
  | { readonly kind: 'output'; readonly stage: string };

export type Command =
  /** What the image says (ENTRYPOINT and CMD). */
  | { readonly kind: 'image' }
  /** Arguments in place of the image's CMD; the ENTRYPOINT stays. */
  | { readonly kind: 'arguments'; readonly argv: readonly string[] }
  /** One script for the image's `sh`, in place of ENTRYPOINT and CMD: `sh -c`. */
  | { readonly kind: 'shell'; readonly script: string }
  | Steps;

/**
 * Steps in order, sourced into one shell: what one leaves in variables, functions and background processes is there for the next. The
 * first that fails is the last. `after` run in a new shell, whatever happened before. See docs/adr/0051-steps-in-one-box.md.
 */
export type Steps = {
  readonly kind: 'steps';
  /** Exported before the first step and before the first of `after`, in this order: a later one may use an earlier. */
  readonly variables: readonly Variable[];
  readonly steps: readonly Step[];
  readonly after: readonly Step[];
};

export type Variable = { readonly name: string; readonly value: ShellValue };

export type ShellValue =
  | EnvValue
  /** The shell fills `$NAME` and `${…}` at that moment; nothing else in it is taken for shell. */
  | { readonly kind: 'expanded'; readonly text: string };

/** A command inside a stage. */
export type Step = {
  /** Unique in the stage: letters, digits, `-`, `_` and `.`. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** Exported for this step alone. */
  readonly variables: readonly Variable[];
  /** Where it begins, relative to the stage's working directory; variables in it are filled. */
  readonly cwd?: string;
  readonly action: StepAction;
  /** The step has failed when they are over; what it started is killed, and the steps after it do not run. */
  readonly timeouts: Timeouts;
  readonly range?: Range;
};

export type StepAction =
  /** Sourced, with nothing on stdin. */
  | { readonly kind: 'script'; readonly script: string }
  /**
   * Something that the engine's side does at this point of the shell, for all that the shell can see a command. Texts in `options` are
   * filled from the shell's exported variables, `$NAME` and `${NAME}` alone.
   */
  | { readonly kind: 'internal'; readonly what: InternalStep; readonly options: Readonly<Record<string, string>> };

export type InternalStep = 'push' | 'scratch-push' | 'build' | 'run' | 'kill' | 'store-container' | 'shell' | 'watch';

/** The one normal form of environment values; `range`: where a text asks for it. */
export type EnvValue =
  | { readonly kind: 'literal'; readonly value: string }
  /** An ancestor stage's Output (its stdout), outer white space trimmed. */
  | { readonly kind: 'output'; readonly stage: string }
  /** A variable given from outside, `or` under another name; missing is a failure before any container starts, empty is a value. */
  | { readonly kind: 'outside'; readonly name: string; readonly or?: string; readonly range?: Range }
  | { readonly kind: 'secret'; readonly name: string; readonly range?: Range }
  /** A secret that stands in the text, encrypted with age (armored). */
  | { readonly kind: 'encrypted'; readonly ciphertext: string; readonly range?: Range }
  | RunValue;

/** Made of what is so of one run, which is filled in when a stage is handed to the queue. */
export type RunValue = { readonly kind: 'run'; readonly parts: readonly RunPart[] };
export type RunPart = string | { readonly is: Circumstance };

/**
 * What is so of one run and not of what is run: the same text has the same plan for whoever runs it, when and wherever. See
 * docs/adr/0082-circumstances.md.
 */
export type Circumstance =
  | 'id'
  /** What whoever asked for the run calls it, else its id. */
  | 'build'
  /** Addresses. */
  | 'run-page'
  | 'project-page'
  | 'started-by'
  /** Seconds since 1970. */
  | 'started-at'
  | 'project'
  /** Of the repository, else the last part of the project's. */
  | 'name'
  /** The repository as `domain/owner/repository`, and its parts; empty where none is known. */
  | 'remote'
  | 'domain'
  | 'owner'
  | 'repository'
  | 'branch'
  | 'tag'
  | 'commit';

export type Circumstances = Readonly<Partial<Record<Circumstance, string>>>;

/** A file tree that stages of one run hand on. */
export type Volume = {
  readonly name: string;
  /**
   * `source`: starts as a writable copy of the run's commit; `empty`: starts empty; `cache`: what was last kept under that key, empty when
   * nothing was; `tree`: files that were fetched for the plan, by the SHA-256 of their tar.
   */
  readonly from: 'source' | 'empty' | { readonly cache: string } | { readonly tree: string };
};

/** `path`: absolute, or `~/…` below the home of the user who runs the command. */
export type Mount =
  /** `directory`: only that directory of the volume. */
  | { readonly kind: 'volume'; readonly volume: string; readonly directory?: string; readonly path: string; readonly access: Access }
  /**
   * What an earlier stage left (see Artifacts), read-only. The engine makes a volume mount of it when that stage has ended. `enter`: where
   * these files are one directory and nothing else, a `workdir` at `path` means that directory (R-DCO-48).
   */
  | { readonly kind: 'artifacts'; readonly stage: string; readonly path: string; readonly enter?: true }
  /** Kept from run to run under a key, per project. */
  | { readonly kind: 'cache'; readonly key: string; readonly path: string; readonly access: Access }
  /** Only where the policy of the runtime allows host paths. */
  | { readonly kind: 'host'; readonly hostPath: string; readonly path: string; readonly access: Access };

/** `copy`: the stage sees the files and may write, and nobody sees what it wrote. */
export type Access = 'read-only' | 'read-write' | 'copy';

/**
 * Which files of a volume a stage leaves: those in `directory` when the stage made a directory of that name, else all but what stands in
 * the volume's root under one of the names `except`.
 */
export type Artifacts = { readonly volume: string; readonly directory?: string; readonly except?: readonly string[] };

/** The files in a directory of the ended container; `or` those in another, when there is no file in it. Over the limit the attempt errors. */
export type TakenFiles = { readonly path: string; readonly or?: string; readonly limitBytes?: number };

/** A value as a read-only file at the absolute `path`; an output is exact, not trimmed. */
export type InputFile = {
  readonly path: string;
  readonly value: EnvValue;
  /** Only the user who runs the command can read it. */
  readonly private?: true;
  /** A value that is missing outside makes no file, and no failure. */
  readonly optional?: true;
};

/** A container that lives as long as its stage and is reached by its name. */
export type Service = {
  readonly name: string;
  readonly range?: Range;
  readonly image: ImageSource;
  readonly command: Command;
  readonly env: Readonly<Record<string, EnvValue>>;
  /** Ports, e.g. `6379` or `53/udp`, that the stage's network sees; documentation where the network is flat. */
  readonly ports: readonly string[];
  readonly privileged: boolean;
  readonly ready: Readiness;
};

export type Readiness =
  /** The container runs; where its image has a HEALTHCHECK, it is healthy. */
  { readonly kind: 'running'; readonly timeoutMs: number } | { readonly kind: 'tcp'; readonly port: number; readonly timeoutMs: number };

/** Absent means: the runtime's default. */
export type Limits = { readonly cpus?: number; readonly memoryBytes?: number; readonly pids?: number };

/** Both count from the moment the command starts. Absent: no limit. */
export type Timeouts = { readonly totalMs?: number; readonly silentMs?: number };

/** `attempts` in all (1 = no retry), tried again only for the named causes. */
export type Retry = { readonly attempts: number; readonly on: readonly RetryCause[] };
export type RetryCause = 'failed' | 'errored' | 'timeout' | 'oom';

import type { Readable } from 'node:stream';
import type { Outcome } from '../run/outcome.ts';
import type { ArtifactRef } from '../run/run-event.ts';

/**
 * Where the bytes of runs are kept: documents, logs, artifacts, in the layout of the seeds (R-DCK-93 … 95):
 * `run/<runId>/<stage>.json`, `.log`, `.zip`. The newest attempt has the plain name; when attempt n + 1 of a stage begins, the files of
 * attempt n get the name `<stage>@<n>`.
 *
 * Order. For one (run, stage): `begin` first, then the returned log's appends one after the other, `putArtifacts`, `finish` last.
 * Different stages overlap freely. Readers may come at any time, from any process.
 * Atomicity. A document or zip is there whole or not at all. What a log's `append` has resolved for is there after a crash of this process.
 * Idempotency. `begin` for the same attempt again (after a crash) continues its log where it durably ended; `finish` replaces.
 * Errors. Adapters throw ResultsError and nothing else.
 */
export type Results = {
  /** For people: where. */
  readonly name: string;
  /**
   * A new attempt: its document (`name` and `started` only, R-DCK-97) and its log, or the existing ones. For a `part` of an attempt that
   * has begun: a log `<stage>.<part>.log`, and no document.
   */
  begin(key: LogKey, startedAt: number): Promise<LogWriter>;
  /**
   * Keeps the stage's files as one zip; reads the tar stream to its end. `undefined` when it has no entries at all (R-DCK-95). With `part`
   * they are those that its steps kept: a further zip, `<stage>.steps.zip`.
   */
  putArtifacts(key: ArtifactsKey, tar: Readable): Promise<ArtifactRef | undefined>;
  /** The final document (R-DCK-98 … 101). */
  finish(key: AttemptKey, summary: StageSummary): Promise<void>;
  /** The log from a byte on, in order; with `follow` until the stage's document is finished or the signal aborts. */
  readLog(
    key: StageKey,
    options: { readonly from: number; readonly follow: boolean; readonly signal: AbortSignal },
  ): AsyncIterable<StoredChunk>;
  /** A stored object of the run by its file name (`build.json`, `build.zip`); `undefined` when there is none. */
  open(run: string, name: string): Promise<Readable | undefined>;
};

/** `attempt` absent: the newest. */
export type StageKey = { readonly run: string; readonly stage: string; readonly attempt?: number; readonly part?: 'done' };
export type AttemptKey = { readonly run: string; readonly stage: string; readonly attempt: number };
export type ArtifactsKey = AttemptKey & { readonly part?: 'steps' };
/** `part`: not the stage's own log, but that of its `done`. */
export type LogKey = AttemptKey & { readonly part?: 'done' };

export type LogWriter = {
  /** How much of each stream is durably there, in raw bytes. */
  readonly position: { readonly stdout: number; readonly stderr: number };
  append(chunk: StoredChunk): Promise<void>;
  close(): Promise<void>;
};

/** `at`: epoch ms of its arrival. */
export type StoredChunk = { readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array; readonly at: number };

export type StageSummary = {
  readonly outcome: Outcome;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly exitCode?: number;
  /** A sentence, when it did not pass. */
  readonly message?: string;
  readonly image?: { readonly reference: string; readonly digest: string };
  readonly container?: string;
  /** Sensitive stages have none (R-DCK-100). */
  readonly hasLog: boolean;
  readonly hasArtifacts: boolean;
};

/**
 * The stage document of the seeds, with our precise outcome in further fields (R-DCK-96 … 101). Times are ISO-8601 UTC; `logs` and
 * `artefact` are paths in the layout above, `null` where there is none. All but `name` and `started` come when the stage has finished.
 */
export type StageDocument = {
  readonly name: string;
  readonly started: string;
  readonly finished?: string;
  readonly status?: 'winning' | 'like-a-chump';
  readonly logs?: string | null;
  readonly artefact?: string | null;
  readonly attempt?: number;
  readonly outcome?: Outcome;
  readonly exitCode?: number;
  readonly message?: string;
  readonly image?: { readonly reference: string; readonly digest: string };
  readonly container?: string;
};

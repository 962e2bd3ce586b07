import type { Clock } from '../lib/clock.ts';
import type { AttemptKey, LogWriter, Results } from '../results/results.ts';
import type { FileTree, OutputRef, RunFact } from '../run/run-event.ts';
import type { Execution, Item, Runtime, Values } from '../runtimes/runtime.ts';
import type { Secret } from './redact/forms.ts';
import type { CacheStore } from './cache-store.ts';
import type { Sink } from './sink.ts';

export type AttemptDeps = {
  readonly runtime: Runtime;
  readonly results: Results;
  readonly clock: Clock;
  readonly sink: Sink;
  readonly caches: CacheStore;
  /** Of the run. */
  readonly number: number;
  /** Resolves when the facts are durable; rejects with JournalError. */
  report(facts: readonly RunFact[]): Promise<void>;
  /** The item with the images that earlier stages left or printed. */
  withImages(item: Item): Promise<Item>;
  /** The volumes that the item mounts and that its images are built from, filled. */
  fill(item: Item): Promise<void>;
  values(item: Item): Promise<Values>;
  /** Whether another stage asks for this one's stdout. */
  isAsked(stage: string): boolean;
  /** Whether another stage mounts this one's artifacts. */
  isMounted(stage: string): boolean;
  /** What no log of the run may show. */
  secrets(): readonly Secret[];
  /** The exact stdout of a stage whose log may differ from it: in no results. */
  keepOutput(stage: string, stdout: Uint8Array): void | Promise<void>;
  /** Does work that hands bytes to another place: again and again while that is away, so it has to be repeatable. */
  deliver<T>(work: () => Promise<T>): Promise<T>;
  /** When its files are kept, and before it is told that it has ended: what it left is handed to where later stages find it. */
  handOver(item: Item, tree: FileTree | undefined): Promise<void>;
};

export type AttemptControl = { readonly stop: AbortSignal; readonly force: AbortSignal };

/** What is learned on the way. */
export type Track = {
  startedAt: number;
  image?: Image;
  container?: string;
  begun?: LogWriter;
  output?: OutputRef;
  committed?: Image;
  /** Of its command. */
  execution?: Execution;
  /** The step that has begun and not ended. */
  step?: string;
};

export type Image = { readonly reference: string; readonly digest: string };

export const keyOf = (item: Item): AttemptKey => ({ run: item.run, stage: item.stage.name, attempt: item.attempt });

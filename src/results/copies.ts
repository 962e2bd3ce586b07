import type { Readable } from 'node:stream';

/**
 * A place elsewhere that objects of runs are copied to, by their path (`run/<runId>/build.json`). Throws ResultsError and nothing else.
 * `put` and `remove` may be repeated; `put` leaves the whole object or what was there before, and destroys `content` in the end.
 */
export type Copies = {
  /** For people: where. */
  readonly name: string;
  /** `onProgress`: some of a large object is there. */
  put(path: string, content: Readable, options: { readonly signal: AbortSignal; readonly onProgress: () => void }): Promise<void>;
  remove(path: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
};

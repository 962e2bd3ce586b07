/** Forgets what is kept of a run: documents, logs, zips. Of one that has nothing, too. Rejects with ResultsError. */
export type RemoveResults = (run: string) => Promise<void>;

/** Trees that nobody may need any more, by their digests. Times are epoch ms. */
export type TreeShelf = {
  /** Those that nobody kept or looked for since. */
  list(before: number): Promise<readonly string[]>;
  /** Unless somebody has since. */
  remove(digest: string, before: number): Promise<void>;
};

export type CacheShelf = {
  /** All of an owner. */
  removeOf(owner: string): Promise<void>;
  /** Of all owners those that were not saved since, epoch ms. */
  removeUnused(before: number): Promise<void>;
};

/** Uploads that wait to become what they are for. */
export type UploadShelf = {
  /** Those that were there before, epoch ms: nobody comes for them any more. */
  removeUnused(before: number): Promise<void>;
};

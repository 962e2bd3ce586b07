import type { Readable } from 'node:stream';

/**
 * Directories that are kept from run to run of a project, each as one tar under a key. What is read is whole, also while another process
 * saves: the last one that saved wins. Errors: rejects; a cache is then as it was.
 */
export type CacheStore = {
  /** `undefined` when nothing was ever kept. */
  open(key: string): Promise<Readable | undefined>;
  /** Reads the tar to its end, unless its files are larger than the limit; without a file in it, or then, what was kept stays. */
  save(key: string, tar: Readable, limitBytes: number): Promise<'saved' | 'too-large' | 'empty'>;
};

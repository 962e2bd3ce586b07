import type { Readable } from 'node:stream';

/** File trees that were fetched for plans, by the SHA-256 of their tar: the same digest is the same bytes. */
export type TreeStore = {
  /** The tar; rejects when there is none, and breaks off with an error when its bytes are not those of the digest. */
  open(digest: string): Promise<Readable>;
};

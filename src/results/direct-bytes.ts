import type { AttemptKey, LogKey } from './results.ts';

/** Works without credentials until `until` (epoch ms), for one object and one method, with just these headers (atk-45). */
export type SignedAddress = { readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly until: number };

/** How whoever follows an address is given an object: `content-type` and `content-disposition`. */
export type ShownAs = { readonly type: string; readonly disposition?: string };

/** Addresses of the objects of runs. `undefined`: there is none. Rejects with ResultsError. */
export type Downloads = {
  /** By the names that `Results.open` takes. */
  address(run: string, name: string, as: ShownAs): Promise<SignedAddress | undefined>;
  /** Of the whole log of an attempt that has ended. */
  log(key: LogKey, as: ShownAs): Promise<SignedAddress | undefined>;
};

/** What an upload becomes. `digest`: the SHA-256 of the tar, which is that of the upload. */
export type UploadAs =
  | { readonly kind: 'tree'; readonly digest: string }
  | { readonly kind: 'artifacts'; readonly part?: 'steps' }
  | { readonly kind: 'cache'; readonly owner: string; readonly key: string };

/**
 * The ways of the bytes of workers past the server. What is uploaded lies aside, at a place of its own, until the server makes it what it is for: whoever
 * uses an address late changes nothing that is kept. Rejects with ResultsError.
 */
export type DirectBytes = {
  /** Whether the place refuses bytes that have not the SHA-256 they were announced with; without that nothing may be sent to it. Asked of it once. */
  isSafe(): Promise<boolean>;
  tree(digest: string): Promise<SignedAddress | undefined>;
  cache(owner: string, key: string): Promise<SignedAddress | undefined>;
  /** Whether it is kept already; then it is as if it had just been kept. */
  hasTree(digest: string): Promise<boolean>;
  /** One upload of exactly these bytes, for that attempt. */
  begin(attempt: AttemptKey, announced: { readonly bytes: number; readonly sha256: string }): Promise<Begun>;
  /** What was uploaded becomes what it is for; `gone` when nothing is there: not uploaded, or used before. What a tree is is never replaced. */
  keep(attempt: AttemptKey, id: string, as: UploadAs): Promise<'kept' | 'gone'>;
};

export type Begun = { readonly id: string; readonly address: SignedAddress };

/** What S3 takes in one piece, and copies in one piece. */
export const mostDirectBytes = 5 * 1024 * 1024 * 1024;

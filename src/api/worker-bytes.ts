import type { Readable } from 'node:stream';
import type { CacheStore } from '../engine/cache-store.ts';
import type { TreeStore } from '../engine/tree-store.ts';
import type { Results } from '../results/results.ts';
import type { Lease } from './worker-protocol.ts';

/**
 * The ways of the bytes between a worker and the server, beside the two verbs. All of it belongs to one lease: the server refuses what
 * that attempt has no right to (another run's log, a tree that it was not given), and with LEASE_LOST what comes with an old token.
 */
export type WorkerBytes = (lease: Pick<Lease, 'item' | 'token'>) => LeaseBytes;

export type LeaseBytes = {
  /** Its log, its files and its document. What a log's `append` resolved for is durable on the server's side. */
  readonly results: Results;
  readonly caches: CacheStore;
  readonly trees: TreeStore & {
    /** Reads the tar to its end; the digest is that of its bytes. */
    keep(tar: Readable): Promise<{ readonly digest: string; readonly bytes: number }>;
  };
  /** Exact stdouts. */
  readonly outputs: {
    /** Of a stage that the claim names. */
    read(stage: string): Promise<Uint8Array>;
    /** Its own, where its log may differ from it. Kept encrypted. */
    keep(stdout: Uint8Array): Promise<void>;
  };
};

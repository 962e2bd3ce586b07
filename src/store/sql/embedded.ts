import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { takeProcessLock } from '../../lib/process-lock.ts';
import { StoreError } from '../store-error.ts';

/** A PGlite that this process has; `host` is the directory of its socket, as `pg` wants it. */
export type Embedded = { readonly host: string; close(): Promise<void> };

/**
 * PGlite in a thread of its own. It locks nothing itself: a second process would write into the same files and lose what both wrote, so a lock
 * beside its files says who has them. Rejects with STORE_LOCKED or STORE_FAILED.
 */
export const startEmbedded = async (directory: string): Promise<Embedded> => {
  const lock = await lockOf(directory);
  const host = await mkdtemp(join(tmpdir(), 'cion-db-'));
  const release = async (): Promise<void> => {
    await rm(host, { recursive: true, force: true });
    await lock.release();
  };
  const worker = new Worker(new URL(`./embedded-worker${extname(import.meta.url)}`, import.meta.url), {
    workerData: { directory: join(directory, 'data'), socket: join(host, '.s.PGSQL.5432') },
  });
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  worker.on('error', () => {});
  try {
    await Promise.race([once(worker, 'message'), exited.then(() => Promise.reject(new Error('it ended')))]);
  } catch {
    await worker.terminate();
    await release();
    throw new StoreError('STORE_FAILED', `The database in ${directory} cannot be opened.`);
  }
  return {
    host,
    close: async () => {
      worker.postMessage('close');
      await exited;
      await release();
    },
  };
};

const lockOf = async (directory: string): Promise<{ release(): Promise<void> }> => {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const lock = await takeProcessLock(join(directory, 'lock'));
    if (lock.kind === 'taken') return lock;
    throw new StoreError('STORE_LOCKED', `Process ${lock.pid} has the database in ${directory}.`);
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw new StoreError('STORE_FAILED', `The directory ${directory} cannot be written.`);
  }
};

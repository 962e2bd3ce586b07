import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, open, rm } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { StoreError } from '../store-error.ts';
import { type DirectoryLock, lockDirectory } from './directory-lock.ts';

/** A PGlite that this process has; `host` is the directory of its socket, as `pg` wants it. */
export type Embedded = { readonly host: string; close(): Promise<void> };

/**
 * PGlite in a thread of its own, in `directory`: its files, the lock beside them (it locks nothing itself: a second process would write into the same
 * files, and what both wrote would be lost) and its socket. Rejects with STORE_LOCKED or STORE_FAILED.
 */
export const startEmbedded = async (directory: string): Promise<Embedded> => {
  const place = await placeOf(resolve(directory));
  try {
    const lock = await lockOf(place);
    try {
      const stop = await startWorker(place);
      return {
        host: place.host,
        close: async () => {
          await stop();
          await lock.release();
          await place.close();
        },
      };
    } catch (error) {
      await lock.release();
      throw error;
    }
  } catch (error) {
    await place.close();
    throw error;
  }
};

type Place = { readonly directory: string; readonly host: string; close(): Promise<void> };

/** What the kernel takes as a socket's address. */
const longestHost = 85;

/** A long path is named by a handle, so that its sockets have short names. */
const placeOf = async (directory: string): Promise<Place> => {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await chmod(directory, 0o700);
    if (Buffer.byteLength(directory) <= longestHost) return { directory, host: directory, close: async () => {} };
    const handle = await open(directory);
    return { directory, host: `/proc/self/fd/${handle.fd}`, close: () => handle.close() };
  } catch {
    throw new StoreError('STORE_FAILED', `The directory ${directory} cannot be written.`);
  }
};

const lockOf = async ({ directory, host }: Place): Promise<DirectoryLock & { readonly kind: 'taken' }> => {
  const lock = await lockDirectory(join(directory, 'lock'), join(host, 'lock.sock')).catch(() => undefined);
  if (lock === undefined) throw new StoreError('STORE_FAILED', `The directory ${directory} cannot be locked.`);
  if (lock.kind === 'taken') return lock;
  const who = lock.pid === undefined ? 'Another process' : `Process ${lock.pid}`;
  throw new StoreError('STORE_LOCKED', `${who} has the database in ${directory}.`);
};

/** A database is made in a thread that ends: what that takes, some 200 MB, is given back. */
const startWorker = async (place: Place): Promise<() => Promise<void>> => {
  if (!existsSync(join(place.directory, 'data', 'PG_VERSION'))) await (await startThread(place))();
  return startThread(place);
};

const startThread = async ({ directory, host }: Place): Promise<() => Promise<void>> => {
  const socket = join(host, '.s.PGSQL.5432');
  await rm(socket, { force: true });
  const worker = new Worker(new URL(`./embedded-worker${extname(import.meta.url)}`, import.meta.url), {
    workerData: { directory: join(directory, 'data'), socket },
  });
  const exited = new Promise<void>((ended) => worker.once('exit', () => ended()));
  worker.on('error', () => {});
  try {
    await Promise.race([once(worker, 'message'), exited.then(() => Promise.reject(new Error('it ended')))]);
  } catch {
    await worker.terminate();
    throw new StoreError('STORE_FAILED', `The database in ${directory} cannot be opened.`);
  }
  return async () => {
    worker.postMessage('close');
    await exited;
  };
};

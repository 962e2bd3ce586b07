import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { holderOf, takeProcessLock } from '../../lib/process-lock.ts';

/** `release` at the very end: then another process may have the directory. */
export type DirectoryLock = { readonly kind: 'taken'; release(): Promise<void> } | { readonly kind: 'held'; readonly pid?: number };

/**
 * One process has a directory, also where those who want it do not see each other's numbers, as in two containers with one volume: beside the lock that
 * names its process there is a socket that only a living process answers. Who has made a lock asks at the socket, listens there, and sees that the lock
 * is still the last: of two who do this at once, one at most goes on.
 */
export const lockDirectory = async (directory: string, socket: string): Promise<DirectoryLock> => {
  const lock = await takeProcessLock(directory);
  if (lock.kind === 'held') return lock;
  if (await answers(socket)) {
    await lock.release();
    return { kind: 'held' };
  }
  await rm(socket, { force: true });
  const server = createServer((caller) => caller.destroy());
  server.listen(socket);
  await once(server, 'listening');
  server.unref();
  const release = async (): Promise<void> => {
    await new Promise((resolve) => server.close(resolve));
    await lock.release();
  };
  if ((await holderOf(directory)) === process.pid) return { kind: 'taken', release };
  await release();
  return { kind: 'held' };
};

const answers = (socket: string): Promise<boolean> =>
  new Promise((resolve) => {
    const caller = connect(socket);
    caller.once('connect', () => {
      caller.destroy();
      resolve(true);
    });
    caller.once('error', () => resolve(false));
  });

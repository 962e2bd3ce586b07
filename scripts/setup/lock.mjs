import { connect, createServer } from 'node:net';

/**
 * Runs `work` while no other process on this machine does. The lock is a name in Linux's abstract socket namespace: the kernel frees it
 * when its holder ends, however it ends, and waiters see that as the end of their connection. Other systems have no such names; there
 * nothing is locked.
 */
export const withLock = async (name, waiting, work) => {
  if (process.platform !== 'linux') return work();
  const path = `\0${name}`;
  let server = await listen(path);
  if (server === undefined) waiting();
  while (server === undefined) {
    await ended(path);
    server = await listen(path);
  }
  try {
    return await work();
  } finally {
    server.release();
  }
};

const listen = (path) =>
  new Promise((resolve, reject) => {
    const waiters = new Set();
    const server = createServer((socket) => waiters.add(socket.on('error', () => {})));
    const release = () => {
      server.close();
      for (const socket of waiters) socket.destroy();
    };
    server.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(path, () => resolve({ release }));
  });

const ended = (path) =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.resume();
    socket.on('error', () => {});
    socket.on('close', resolve);
  });

import type { Extract } from 'tar-stream';

/** When the reader of a tar, which was full, takes more, or never will. */
export const drained = (entries: Extract): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      entries.off('drain', done).off('close', done);
      resolve();
    };
    entries.on('drain', done).on('close', done);
  });

import type { Readable } from 'node:stream';
import type { LeaseBytes } from '../api/worker-bytes.ts';
import { abortable } from '../lib/abortable.ts';
import { meaningOf } from './meaning.ts';

/** The ways of the bytes for as long as the lease is ours: afterwards all of it rejects with the reason of `gone`. `lost` is told when the server says so. */
export const boundBytes = (bytes: LeaseBytes, gone: AbortSignal, lost: () => void): LeaseBytes => {
  const bound = async <T>(work: () => Promise<T>): Promise<T> => {
    gone.throwIfAborted();
    try {
      return await abortable(work(), gone);
    } catch (error) {
      if (meaningOf(error) === 'lost') lost();
      gone.throwIfAborted();
      throw error;
    }
  };
  /** What comes when nobody waits for it any more would hold its connection for ever. */
  const opened = <T extends Readable | undefined>(open: () => Promise<T>): Promise<T> =>
    bound(async () => {
      const stream = await open();
      if (gone.aborted) stream?.destroy();
      return stream;
    });
  const { results, caches, trees, outputs } = bytes;
  return {
    results: {
      name: results.name,
      begin: (key, startedAt) =>
        bound(async () => {
          const log = await results.begin(key, startedAt);
          return {
            get position() {
              return log.position;
            },
            append: (chunk) => bound(() => log.append(chunk)),
            close: () => bound(() => log.close()),
          };
        }),
      putArtifacts: (key, tar) => bound(() => results.putArtifacts(key, tar)),
      finish: (key, summary) => bound(() => results.finish(key, summary)),
      readLog: (key, options) => results.readLog(key, { ...options, signal: AbortSignal.any([options.signal, gone]) }),
      open: (run, name) => opened(() => results.open(run, name)),
    },
    caches: {
      open: (key) => opened(() => caches.open(key)),
      save: (key, tar, limitBytes) => bound(() => caches.save(key, tar, limitBytes)),
    },
    trees: {
      open: (digest) => opened(() => trees.open(digest)),
      keep: (tar) => bound(() => trees.keep(tar)),
    },
    outputs: {
      read: (stage) => bound(() => outputs.read(stage)),
      keep: (stdout) => bound(() => outputs.keep(stdout)),
    },
  };
};

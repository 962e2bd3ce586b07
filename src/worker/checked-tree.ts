import { createHash } from 'node:crypto';
import { Readable, Transform } from 'node:stream';
import { WorkerError } from './worker-error.ts';

/** The tar, which breaks off with TREE_CHANGED at its end when it is not the one of that digest (atk-18). */
export const checkedTree = (tar: Readable, digest: string): Readable => {
  const all = Readable.from(checked(tar, digest), { objectMode: false });
  return all.once('close', () => tar.destroy());
};

async function* checked(tar: Readable, digest: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of tar as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest('hex') !== digitsOf(digest)) throw changed('what the server has as the files');
}

/** Keeps the tar by `keep`. Rejects with TREE_CHANGED when what was kept is not what was sent. */
export const keptWhole = async <T extends { readonly digest: string }>(tar: Readable, keep: (tar: Readable) => Promise<T>): Promise<T> => {
  const hash = createHash('sha256');
  const hashed = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  tar.once('error', (error) => hashed.destroy(error));
  hashed.once('close', () => tar.destroy());
  const kept = await keep(tar.pipe(hashed));
  if (digitsOf(kept.digest) !== hash.digest('hex')) throw changed('what the server has kept of the files');
  return kept;
};

const digitsOf = (digest: string): string => digest.replace(/^sha256:/, '');

const changed = (what: string): WorkerError =>
  new WorkerError('TREE_CHANGED', `${what} of a volume is not what it should be: it was altered on the way`);

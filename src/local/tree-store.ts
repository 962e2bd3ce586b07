import { createHash } from 'node:crypto';
import { access, mkdir, open, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { TreeStore } from '../engine/tree-store.ts';
import { tarCensus } from '../lib/tar-census.ts';
import { isMissing, LocalError, stateUnreadable, stateUnwritable } from './local-error.ts';
import { treesRoot } from './project-dir.ts';
import { keepTar } from './tar-file.ts';

export type LocalTreeStore = TreeStore & {
  /** It is needed then: whoever clears up sees that it is not old. */
  has(digest: string): Promise<boolean>;
  /** Answers the SHA-256 of the tar's bytes, in hexadecimal digits: what a Plan calls it by. A damaged tar is refused. */
  put(tar: Readable): Promise<string>;
};

/** `<project>/.cion/trees/<sha256>.tar`. */
export const treeStore = (dir: string): LocalTreeStore => {
  const pathOf = (digest: string): string => join(treesRoot(dir), `${digitsOf(digest)}.tar`);
  return {
    has: (digest) => {
      const now = new Date();
      return utimes(pathOf(digest), now, now)
        .catch(() => access(pathOf(digest)))
        .then(
          () => true,
          () => false,
        );
    },
    open: async (digest) => {
      try {
        const file = await open(pathOf(digest));
        return Readable.from(verified(file.createReadStream(), digitsOf(digest)), { objectMode: false });
      } catch (error) {
        if (error instanceof LocalError) throw error;
        if (isMissing(error))
          throw new LocalError('TREE_MISSING', `The files ${digest} that the plan was made with are gone from ${treesRoot(dir)}.`);
        throw stateUnreadable(`the files ${digest}`, error);
      }
    },
    put: async (tar) => {
      const census = tarCensus(tar);
      try {
        await mkdir(treesRoot(dir), { recursive: true });
        let digest = '';
        await keepTar(treesRoot(dir), census.tar, (digits) => pathOf((digest = digits)));
        return digest;
      } catch (error) {
        throw stateUnwritable('files that were fetched', error);
      } finally {
        census.tar.destroy();
      }
    },
  };
};

const digitsOf = (digest: string): string => {
  const digits = digest.replace(/^sha256:/, '');
  if (/^[0-9a-f]{64}$/.test(digits)) return digits;
  throw new LocalError('TREE_MISSING', `${JSON.stringify(digest)} is no SHA-256.`);
};

async function* verified(tar: Readable, digest: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of tar as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest('hex') !== digest)
    throw new LocalError('TREE_DAMAGED', `The files ${digest} are not what they were when they were fetched.`);
}

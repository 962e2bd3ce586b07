import { createHash } from 'node:crypto';
import { access, type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { replaceFile } from '../lib/atomic-file.ts';
import { LocalError } from './local-error.ts';

/**
 * File trees that were fetched for plans, by the SHA-256 of their tar (hex): the same digest is the same bytes. Calls may overlap, also
 * from several processes; a tar is there whole or not at all.
 */
export type TreeStore = {
  has(digest: string): Promise<boolean>;
  /** The tar; rejects when there is none, and breaks off with an error when its bytes are not those of the digest. */
  open(digest: string): Promise<Readable>;
  /** Keeps a tar and answers its digest; one that is there already is left as it is. */
  put(tar: Uint8Array): Promise<string>;
};

/** Below the project's `.cion`: `trees/<sha256>.tar`. */
export const treeStore = (stateDir: string): TreeStore => {
  const directory = join(stateDir, 'trees');
  const placeOf = (digest: string): string => join(directory, `${digest}.tar`);
  const has = (digest: string): Promise<boolean> =>
    access(placeOf(digest)).then(
      () => true,
      () => false,
    );
  return {
    has,
    open: async (digest) => {
      const file = await open(placeOf(digest)).catch((error: unknown) => {
        throw new LocalError('TREE_MISSING', `The files ${digest} that were fetched for the plan cannot be read any more.`, {
          cause: error,
        });
      });
      return Readable.from(checked(file, digest), { objectMode: false });
    },
    put: async (tar) => {
      const digest = createHash('sha256').update(tar).digest('hex');
      if (await has(digest)) return digest;
      await mkdir(directory, { recursive: true });
      const temporary = join(directory, `.${digest}.${crypto.randomUUID()}.tmp`);
      await replaceFile(placeOf(digest), async (file) => ({ written: await file.writeFile(tar) }), temporary);
      return digest;
    },
  };
};

const checked = async function* (file: FileHandle, digest: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of file.createReadStream({ autoClose: false })) {
      const bytes = chunk as Buffer;
      hash.update(bytes);
      yield bytes;
    }
  } finally {
    await file.close();
  }
  if (hash.digest('hex') !== digest)
    throw new LocalError('TREE_CHANGED', `The files ${digest} that were fetched for the plan are not what they were.`);
};

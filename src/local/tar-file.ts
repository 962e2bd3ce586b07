import { createHash, randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';

/**
 * Writes a tar into a folder and gives it its name when it is whole and on the disk; `nameOf` hears the SHA-256 of its bytes, and may
 * answer `undefined` to keep nothing. Any number of writers of one name: the last wins.
 */
export const keepTar = async <Name extends string | undefined>(
  folder: string,
  tar: Readable,
  nameOf: (digest: string) => Name,
): Promise<string | (undefined extends Name ? undefined : never)> => {
  const mine = join(folder, `.${randomUUID()}.tmp`);
  const hash = createHash('sha256');
  const file = await open(mine, 'wx');
  try {
    for await (const chunk of tar as AsyncIterable<Uint8Array>) {
      hash.update(chunk);
      await file.writeFile(chunk);
    }
    const digest = hash.digest('hex');
    const path = nameOf(digest);
    if (path === undefined) return undefined;
    await file.sync();
    await rename(mine, path);
    await syncFolder(dirname(path));
    return digest;
  } finally {
    await file.close();
    await rm(mine, { force: true });
  }
};

const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
};

import { createHash, randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { syncFolder } from '../lib/sync-folder.ts';

/**
 * Writes a tar into a folder and gives it its name when it is whole and on the disk; `nameOf` hears the SHA-256 of its bytes, and may
 * answer `undefined` to keep nothing. Answers whether it is kept. Any number of writers of one name: the last wins.
 */
export const keepTar = async (folder: string, tar: Readable, nameOf: (digest: string) => string | undefined): Promise<boolean> => {
  const mine = join(folder, `.${randomUUID()}.tmp`);
  const hash = createHash('sha256');
  const file = await open(mine, 'wx');
  try {
    for await (const chunk of tar as AsyncIterable<Uint8Array>) {
      hash.update(chunk);
      await file.writeFile(chunk);
    }
    const path = nameOf(hash.digest('hex'));
    if (path === undefined) return false;
    await file.sync();
    await rename(mine, path);
    await syncFolder(dirname(path));
    return true;
  } finally {
    await file.close();
    await rm(mine, { force: true });
  }
};

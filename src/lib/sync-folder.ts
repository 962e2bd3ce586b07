import { open } from 'node:fs/promises';

/** Resolves when the names in a folder are on the disk, as its files are by their own `sync`. */
export const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
};

import { mkdir, rm } from 'node:fs/promises';

/** Makes the folder, for this user alone; what a process before left in it goes. */
export const emptyFolder = async (path: string): Promise<string> => {
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { recursive: true, mode: 0o700 });
  return path;
};

import { chmod, constants, copyFile, lstat, mkdir, readlink, symlink } from 'node:fs/promises';
import { walk } from '../lib/walk.ts';

/** Copies a directory without its `.cion` (R-CIO-56), modes and symbolic links kept; answers how much it was. */
export const copyDirectory = async (
  from: string,
  into: string,
  signal: AbortSignal,
): Promise<{ readonly files: number; readonly bytes: number }> => {
  let files = 0;
  let bytes = 0;
  await mkdir(into, { recursive: true });
  for await (const { name, path, kind } of walk(from, (name) => name === '.cion')) {
    signal.throwIfAborted();
    const to = Buffer.concat([Buffer.from(`${into}/`), name]);
    const found = await lstat(path);
    if (kind === 'directory') {
      await mkdir(to);
      await chmod(to, (found.mode & 0o777) | 0o700);
      continue;
    }
    if (kind === 'symlink') await symlink(await readlink(path, { encoding: 'buffer' }), to);
    else await copyFile(path, to, constants.COPYFILE_FICLONE);
    files++;
    bytes += found.size;
  }
  return { files, bytes };
};

import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Makes or replaces a file: whoever looks sees the old content or the whole new one, also after a crash. `fill` writes it and may
 * answer `undefined` to leave everything as it was. One writer of a path at a time, unless each names a `temporary` of its own.
 */
export const replaceFile = async <T>(
  path: string,
  fill: (file: FileHandle) => Promise<T>,
  temporary: string = join(dirname(path), `.${basename(path)}.tmp`),
): Promise<T> => {
  const file = await open(temporary, 'w');
  try {
    const answer = await fill(file);
    if (answer === undefined) {
      await rm(temporary, { force: true });
      return answer;
    }
    await file.sync();
    await rename(temporary, path);
    return answer;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  } finally {
    await file.close();
  }
};

export const writeAtomically = async (path: string, content: string, temporary?: string): Promise<void> => {
  await replaceFile(path, async (file) => ({ written: await file.writeFile(content) }), temporary);
};

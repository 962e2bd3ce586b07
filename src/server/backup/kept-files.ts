import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArchiveWriter } from './archive-writer.ts';

/** Below the directory of a server; caches and mirrors make themselves again. */
export const keptFolders = ['results', 'outputs', 'trees'] as const;

/** The first of them that is there. */
export const keptIn = async (directory: string): Promise<string | undefined> => {
  for (const folder of keptFolders) {
    const path = join(directory, folder);
    if ((await stat(path).catch(unlessMissing(undefined))) !== undefined) return path;
  }
  return undefined;
};

/** All files of the folder, as they are at that moment; those that go meanwhile are not needed any more. */
export const addFolder = async (archive: ArchiveWriter, directory: string, folder: string): Promise<void> => {
  const entries = await readdir(join(directory, folder), { recursive: true, withFileTypes: true }).catch(unlessMissing([]));
  const paths = entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.tmp'))
    .map(({ parentPath, name }) => join(parentPath, name));
  for (const path of paths.sort()) {
    const file = await open(path).catch(unlessMissing(undefined));
    if (file === undefined) continue;
    try {
      const { size } = await file.stat();
      const content = size === 0 ? [] : file.createReadStream({ start: 0, end: size - 1, autoClose: false });
      await archive.add(`files/${path.slice(directory.length + 1)}`, size, content);
    } finally {
      await file.close();
    }
  }
};

const unlessMissing =
  <T>(instead: T) =>
  (error: NodeJS.ErrnoException): T => {
    if (error.code === 'ENOENT') return instead;
    throw error;
  };

import type { Dirent } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tree } from './compile-tree.ts';

/** A file in the root of the tree; `undefined` when there is none. What cannot be read is empty. */
export const readFrom = async (tree: Tree, path: string): Promise<Uint8Array | undefined> =>
  (await tree.paths('root')).includes(path) ? tree.read(path).catch(() => new Uint8Array()) : undefined;

/** The files of a directory, as they are at this moment. Nothing outside of it is read, whatever a link says. */
export const directoryTree = (root: string): Tree => ({
  paths: async (where) => (where === 'root' ? readdir(root) : allPaths(root)),
  read: async (path) => {
    const place = await realpath(join(root, path));
    if (!place.startsWith(join(await realpath(root), '/'))) throw new Error('it is a link that leads out of the project');
    if (!(await stat(place)).isFile()) throw new Error('it is no file');
    return readFile(place);
  },
});

/** What is in them is not the project's own text. */
const passedBy: ReadonlySet<string> = new Set(['node_modules', '.git', '.cion']);

/** Relative, with `/`; links are named and not followed, and what may not be read has nothing in it. */
const allPaths = async (root: string): Promise<readonly string[]> => {
  const below = async (directory: string): Promise<readonly string[]> => {
    const reading = readdir(join(root, directory), { withFileTypes: true });
    const entries = await (directory === '' ? reading : reading.catch((): Dirent[] => []));
    const found = entries.map(async (entry): Promise<readonly string[]> => {
      const path = `${directory}${entry.name}`;
      return entry.isDirectory() && !passedBy.has(entry.name) ? [path, ...(await below(`${path}/`))] : [path];
    });
    return (await Promise.all(found)).flat();
  };
  return below('');
};

import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

const mostFiles = 20_000;
const passedBy: ReadonlySet<string> = new Set(['.git', '.cion', 'node_modules', 'vendor', 'target', 'dist']);

/** Files of a project by their paths, those near the root first; enough to see what kind of project it is. */
export const listFiles = async (root: string): Promise<readonly string[]> => {
  const files: string[] = [];
  const open = [''];
  for (let at = 0; at < open.length && files.length < mostFiles; at++) {
    const directory = open[at] ?? '';
    for (const entry of await readdir(join(root, directory), { withFileTypes: true }).catch((): Dirent[] => [])) {
      const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
      if (entry.isFile()) files.push(path);
      else if (entry.isDirectory() && !passedBy.has(entry.name)) open.push(path);
    }
  }
  return files;
};

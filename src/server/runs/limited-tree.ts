import { plural, size } from '../../lib/quantities.ts';
import type { Tree } from '../../planning/compile-tree.ts';

export type ConfigLimits = { readonly files: number; readonly bytes: number };

/** A tree of which only so many files are read, and none that is larger. `bytesOf` says how large a file is before it is read. */
export const limitedTree = (tree: Tree, limits: ConfigLimits, bytesOf: (path: string) => Promise<number>): Tree => {
  const asked = new Set<string>();
  return {
    paths: tree.paths,
    read: async (path) => {
      if (asked.add(path).size > limits.files) throw new Error(`the configuration may have ${plural(limits.files, 'file')} and no more`);
      if ((await bytesOf(path)) > limits.bytes) throw new Error(`it is larger than ${size(limits.bytes)}`);
      return tree.read(path);
    },
  };
};

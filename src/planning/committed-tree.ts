import { gitIn } from '../source/git.ts';
import { readCommitted } from '../source/read-committed.ts';
import type { Tree } from './compile-tree.ts';

/** The files of a commit of a repository, for a look; none where there is no such commit. Links are what is written in them. */
export const committedTree = (root: string, commit: string): Tree => ({
  paths: async (where) => {
    const git = await gitIn(root);
    const depth = where === 'everywhere' ? ['-r'] : [];
    const { stdout, code } = await git(['ls-tree', ...depth, '-z', '--name-only', '--full-tree', `${commit}^{commit}`], {
      alsoFine: [1, 128, 129],
    });
    return code === 0 ? stdout.toString().split('\0').slice(0, -1) : [];
  },
  read: async (path) => {
    const bytes = await readCommitted(root, commit, path);
    if (bytes === undefined) throw new Error('it is no file');
    return bytes;
  },
});

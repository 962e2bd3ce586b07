import { gitIn } from './git.ts';

/** A file of a commit of the repository around `dir`, its path relative to the root; `undefined` when the commit has none there. */
export const readCommitted = async (dir: string, commit: string, path: string): Promise<Uint8Array | undefined> => {
  const git = await gitIn(dir);
  const { stdout, code } = await git(['cat-file', 'blob', `${commit}:${path}`], { alsoFine: [128] });
  return code === 0 ? stdout : undefined;
};

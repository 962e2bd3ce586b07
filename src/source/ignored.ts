import { gitIn } from './git.ts';

/** Which of these paths (relative to the root, with `/`) git ignores; none where there is no git repository. */
export const ignoredIn = async (root: string, paths: readonly string[]): Promise<ReadonlySet<string>> => {
  const git = await gitIn(root).catch(() => undefined);
  if (git === undefined || paths.length === 0) return new Set();
  const input = paths.map((path) => `${path}\0`).join('');
  const { stdout } = await git(['check-ignore', '-z', '--stdin'], { input, alsoFine: [1, 128] });
  return new Set(stdout.toString().split('\0').filter(Boolean));
};

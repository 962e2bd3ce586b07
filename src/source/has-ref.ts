import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { checkAddress, failure, type FetchRequest, isFullRef, withKey } from './fetch-commit.ts';
import { mirrorGit } from './git.ts';

export type RefQuestion = Omit<FetchRequest, 'gitDir' | 'commit' | 'ref' | 'packBytes'> & { readonly ref: string };

/**
 * Whether a branch or tag, `refs/heads/main`, is on somebody's server now: nothing is fetched, and nothing of before is used. Throws SourceError as
 * `fetchCommit` does.
 */
export const hasRef = async (question: RefQuestion): Promise<boolean> => {
  const { keys, url, ref, signal } = question;
  checkAddress(question);
  if (!isFullRef(ref)) return false;
  await mkdir(keys, { recursive: true, mode: 0o700 });
  const gitDir = await mkdtemp(join(keys, 'ask-'));
  try {
    await mirrorGit(gitDir)(['init', '--quiet', '--bare', '--template='], { signal });
    return await withKey({ ...question, gitDir, packBytes: answerBytes }, async (git) => {
      const { code, stdout, stderr } = await git(['ls-remote', '--quiet', '--', url, ref]);
      if (code !== 0) throw failure(url, stderr);
      return stdout.split('\n').some((line) => line.endsWith(`\t${ref}`));
    });
  } finally {
    await rm(gitDir, { recursive: true, force: true });
  }
};

const answerBytes = 1024 * 1024;

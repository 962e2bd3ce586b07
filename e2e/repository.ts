import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';

export type Files = Readonly<Record<string, string | Uint8Array>>;

/** A directory with these files that is gone after the test. */
export const directory = (t: Pick<TestContext, 'after'>, files: Files = {}): string => {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'cion e2e ')));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  writeFiles(path, files);
  return path;
};

/** The same as a git repository whose branch `main` has one commit. */
export const repository = (t: Pick<TestContext, 'after'>, files: Files = {}): string => {
  const path = directory(t, files);
  git(path, 'init', '--quiet', '--initial-branch=main');
  commit(path);
  return path;
};

export const writeFiles = (path: string, files: Files): void => {
  for (const [name, content] of Object.entries(files)) {
    const file = join(path, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
};

/** Commits all there is; gives the full hash. */
export const commit = (path: string, files: Files = {}, message = 'a change'): string => {
  writeFiles(path, files);
  git(path, 'add', '--all');
  git(path, 'commit', '--quiet', '--allow-empty', '--message', message);
  return git(path, 'rev-parse', 'HEAD');
};

export const git = (path: string, ...args: readonly string[]): string =>
  execFileSync('git', args, {
    cwd: path,
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      HOME: path,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: 'Ada',
      GIT_AUTHOR_EMAIL: 'ada@example.org',
      GIT_COMMITTER_NAME: 'Ada',
      GIT_COMMITTER_EMAIL: 'ada@example.org',
    },
  }).trim();

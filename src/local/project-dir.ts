import { access, constants, mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { stateUnwritable } from './local-error.ts';

/**
 * `<project>/.cion` is all that a laptop keeps of its runs: `run/` the results, `state/<runId>/` the journal and what belongs to it,
 * `cache/` directories that runs hand on, `trees/` what was fetched for plans.
 * It ignores itself, so that no project needs a line in its `.gitignore`.
 */
export const makeProjectDir = async (project: string): Promise<string> => {
  const dir = join(resolve(project), '.cion');
  try {
    // One by one: a recursive mkdir says ENOENT where the disk is read-only.
    await mkdir(dir).catch(unlessThere);
    await mkdir(stateRoot(dir)).catch(unlessThere);
    await access(stateRoot(dir), constants.W_OK);
    await writeFile(join(dir, '.gitignore'), '*\n', { flag: 'wx' }).catch(unlessThere);
    return dir;
  } catch (error) {
    throw stateUnwritable(dir, error);
  }
};

const unlessThere = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'EEXIST') throw error;
};

/** The nearest `.cion` at or above a directory; `undefined` where nothing was ever run. */
export const findProjectDir = async (from: string): Promise<string | undefined> => {
  for (let directory = resolve(from); ; directory = dirname(directory)) {
    const candidate = join(directory, '.cion');
    if (await isDirectory(join(candidate, 'state'))) return candidate;
    if (directory === dirname(directory)) return undefined;
  }
};

export const cachesRoot = (dir: string): string => join(dir, 'cache');
export const treesRoot = (dir: string): string => join(dir, 'trees');
export const resultsRoot = (dir: string): string => join(dir, 'run');
export const stateRoot = (dir: string): string => join(dir, 'state');
export const runState = (dir: string, run: string): string => join(dir, 'state', run);

const isDirectory = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

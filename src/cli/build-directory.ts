import { readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Context } from './context.ts';
import type { Remote } from '../source/remote.ts';
import { Refusal } from './refusal.ts';

/** What `cion fetch` fetched into a directory of its own, which is removed after the build. */
export type FetchedBuild = Remote & { readonly version: 1 };

const marker = '.cion-fetched.json';

/** BUILD_DIR, else /tmp/build/$BUILD_ID (R-WRK-80, R-WRK-81); `undefined` when neither is set. */
export const buildDirectory = ({ cwd, env }: Pick<Context, 'cwd' | 'env'>): string | undefined => {
  if (env.BUILD_DIR) return resolve(cwd, env.BUILD_DIR);
  if (!env.BUILD_ID) return undefined;
  if (buildName(env) === undefined) {
    throw new Refusal(
      'USAGE',
      `BUILD_ID ${JSON.stringify(env.BUILD_ID)} cannot be the name of a directory.`,
      'Letters, digits, _ . and - may be in it.',
    );
  }
  return join('/tmp/build', env.BUILD_ID);
};

/** BUILD_ID where it can be the name of a directory; one that cannot was meant for another program. */
export const buildName = ({ BUILD_ID = '' }: Context['env']): string | undefined =>
  /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(BUILD_ID) ? BUILD_ID : undefined;

export const sourceOf = (directory: string): string => join(directory, 'source');

export const markFetched = (directory: string, { domain, owner, repository }: Remote): Promise<void> => {
  const fetched: FetchedBuild = { version: 1, domain, owner, repository };
  return writeFile(join(directory, marker), `${JSON.stringify(fetched)}\n`, { flag: 'wx' });
};

/** `undefined` when `cion fetch` did not make the directory, or did not end well. */
export const readFetched = async (directory: string): Promise<FetchedBuild | undefined> => {
  const text = await readFile(join(directory, marker), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const { domain, owner, repository } = JSON.parse(text) as Partial<FetchedBuild>;
    return domain && owner && repository ? { version: 1, domain, owner, repository } : undefined;
  } catch {
    return undefined;
  }
};

/** Where the runs of a fetched project are kept: its build directory does not stay. */
export const fetchedHome = ({ env }: Pick<Context, 'env'>, { domain, owner, repository }: Remote): string =>
  join(
    env.CION_STATE_HOME || join(env.XDG_STATE_HOME || join(env.HOME || homedir(), '.local', 'state'), 'cion'),
    domain,
    owner,
    repository,
  );

import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { writeAtomically } from '../../lib/atomic-file.ts';
import { serverKeys } from '../../secrets/server-keys.ts';
import type { DatabasePlace } from '../../store/sql/database.ts';
import type { Context } from '../context.ts';
import { Refusal } from '../refusal.ts';

/** Where a server has what it keeps, as its command line says. */
export type ServerPlaceOptions = { readonly data?: string; readonly database?: string; readonly keyFile?: string };

export const dataDirectory = ({ cwd, env }: Context, { data }: ServerPlaceOptions): string => {
  const state = env.CION_STATE_HOME || join(env.XDG_STATE_HOME || join(env.HOME || homedir(), '.local', 'state'), 'cion');
  return data === undefined ? join(state, 'server') : resolve(cwd, data);
};

/** Its user alone may look into it (atk-87). */
export const makeDirectory = async (directory: string): Promise<void> => {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await chmod(directory, 0o700);
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new Refusal('SERVER_DATA_EXPOSED', `The directory ${directory} cannot be made, or not be closed to others: ${why}.`);
  }
};

export const databasePlace = ({ database }: ServerPlaceOptions, directory: string): DatabasePlace =>
  database === undefined ? { kind: 'embedded', directory: join(directory, 'database') } : { kind: 'postgres', url: database };

export const keysOf = ({ cwd, env }: Context, options: ServerPlaceOptions, directory: string) => {
  if (options.keyFile !== undefined) return serverKeys({ file: resolve(cwd, options.keyFile) });
  if (env.CION_SERVER_KEY) return serverKeys({ text: env.CION_SERVER_KEY });
  return options.database === undefined ? serverKeys({ file: ownKey(directory) }) : serverKeys({});
};

/** The embedded database gets a key of its own when it is made; another is given one by who runs the server. */
export const makeKey = async (
  { env }: Context,
  options: ServerPlaceOptions,
  directory: string,
  warn: (text: string) => void,
): Promise<void> => {
  if (options.keyFile !== undefined || env.CION_SERVER_KEY || options.database !== undefined) return;
  const file = ownKey(directory);
  if ((await isThere(join(directory, 'database'))) || (await isThere(file))) return;
  await writeFile(file, `${randomBytes(32).toString('base64')}\n`, { flag: 'wx', mode: 0o600 });
  warn(`made the key ${file}: keep a copy elsewhere, without it no secret can be read again`);
};

/**
 * The name of the worker inside. It stays with the directory: what it had let go is taken up by the next process, also where the machine is called
 * otherwise by then, as each new container is. Two servers of one machine have two: what is on its engine is of one of them alone.
 */
export const insideWorker = async (directory: string): Promise<string> => {
  const file = join(directory, 'worker', 'name');
  const there = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (there !== '') return there;
  const name = `${hostname()}-server-${randomBytes(3).toString('hex')}`;
  await mkdir(join(directory, 'worker'), { recursive: true });
  await writeAtomically(file, `${name}\n`);
  return name;
};

export const ownKey = (directory: string): string => join(directory, 'server.key');

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

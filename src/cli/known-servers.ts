import { mkdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { replaceFile } from '../lib/atomic-file.ts';
import type { Context } from './context.ts';
import { Refusal } from './refusal.ts';

/** The servers that this user has logged in at, by address; `current` is meant when none is named. */
export type KnownServers = z.infer<typeof shape>;

const shape = z.object({
  current: z.string().exactOptional(),
  servers: z.record(z.string(), z.object({ name: z.string(), token: z.string() })),
});

export const serversFile = ({ env }: Pick<Context, 'env'>): string =>
  join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'cion', 'servers.json');

export const readServers = async (context: Pick<Context, 'env'>): Promise<KnownServers> => {
  const file = serversFile(context);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw unreadable(file, error.code ?? error.message);
  });
  if (text === undefined) return { servers: {} };
  try {
    return shape.parse(JSON.parse(text));
  } catch {
    throw unreadable(file, 'it is not what cion wrote');
  }
};

/** For this user's eyes alone from its first byte on. */
export const writeServers = async (context: Pick<Context, 'env'>, servers: KnownServers): Promise<void> => {
  const file = serversFile(context);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await replaceFile(file, async (handle) => {
    await handle.chmod(0o600);
    return { written: await handle.writeFile(`${JSON.stringify(servers, undefined, 2)}\n`) };
  });
};

const unreadable = (file: string, why: string): Refusal =>
  new Refusal('SERVERS_UNREADABLE', `The logins in ${file} cannot be read: ${why}.`, 'Correct or remove the file, and log in again.');

import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { keyLines } from '../secrets/key-lines.ts';
import type { Context } from './context.ts';
import { Refusal } from './refusal.ts';

export type IdentityOptions = { readonly identity?: string };

/** The user's own key when nothing else is said. */
export const ownKeyFile = ({ env }: Pick<Context, 'env'>): string =>
  join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'cion', 'age.key');

/**
 * The age identities of the first place that says any: `--identity`, CION_AGE_KEY, the file that CION_AGE_KEY_FILE names, the user's
 * own. None when there is no place.
 */
export const identitiesOf = async (
  { cwd, env }: Pick<Context, 'cwd' | 'env'>,
  { identity }: IdentityOptions,
): Promise<readonly string[]> => {
  if (identity !== undefined) return fromFile(resolve(cwd, identity));
  if (env.CION_AGE_KEY) return parsedFrom(env.CION_AGE_KEY, 'CION_AGE_KEY');
  if (env.CION_AGE_KEY_FILE) return fromFile(resolve(cwd, env.CION_AGE_KEY_FILE));
  return fromFile(ownKeyFile({ env }), true);
};

const fromFile = async (file: string, mayBeMissing = false): Promise<readonly string[]> => {
  try {
    return parsedFrom(await readFile(file, 'utf8'), file);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (mayBeMissing && (code === 'ENOENT' || code === 'ENOTDIR')) return [];
    throw new Refusal('IDENTITY_UNREADABLE', `The key file ${file} cannot be read: ${code ?? message}.`, '"cion secret keygen" makes one.');
  }
};

const parsedFrom = (text: string, place: string): readonly string[] => {
  const lines = keyLines(text);
  const wrong = lines.find(({ key }) => !/^AGE-SECRET-KEY-(PQ-)?1[A-Z0-9]+$/.test(key));
  if (wrong === undefined && lines.length > 0) return lines.map(({ key }) => key);
  const what = wrong === undefined ? `${place} has no age identity.` : `Line ${wrong.line} of ${place} is no age identity.`;
  throw new Refusal(
    'IDENTITY_INVALID',
    what,
    'It is a line that begins with AGE-SECRET-KEY-1, as "cion secret keygen" and age-keygen write it.',
  );
};

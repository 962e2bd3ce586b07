import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Outside } from '../engine/given.ts';
import { type EnvEntry, parseEnvFile } from '../planning/parse-env-file.ts';
import { Refusal } from './refusal.ts';

export type OutsideOptions = { readonly env?: readonly string[]; readonly envFile?: readonly string[] };

export type OutsideVariables = Outside & {
  /** What there is. */
  readonly names: readonly string[];
};

/** Not for stages: they are cion's own. */
const ownKeys: ReadonlySet<string> = new Set(['CION_AGE_KEY', 'CION_SINK_TOKEN']);

/** The environment, over it the files of `--env-file` in their order, over them `--env`. The keys of cion itself are no variables. */
export const outsideVariables = async (
  directory: string,
  environment: Readonly<Record<string, string | undefined>>,
  options: OutsideOptions,
): Promise<OutsideVariables> => {
  const given = new Map<string, string>();
  for (const [name, value] of Object.entries(environment)) if (value !== undefined && !ownKeys.has(name)) given.set(name, value);
  for (const file of options.envFile ?? []) {
    for (const { name, value = environment[name] } of await readVariables(resolve(directory, file))) {
      if (value !== undefined) given.set(name, value);
    }
  }
  for (const text of options.env ?? []) {
    const [name, value] = splitAssignment(text);
    if (value !== undefined) given.set(name, value);
  }
  const value = (name: string): string | undefined => given.get(name);
  return { variable: value, secret: value, names: [...given.keys()] };
};

const splitAssignment = (text: string): readonly [string, string | undefined] => {
  const at = text.indexOf('=');
  const name = at === -1 ? text : text.slice(0, at);
  if (name === '') throw new Refusal('USAGE', `--env ${JSON.stringify(text)} has no name.`, 'Write --env NAME=value.');
  return [name, at === -1 ? undefined : text.slice(at + 1)];
};

const readVariables = async (file: string): Promise<readonly EnvEntry[]> => {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Refusal(
      'ENV_FILE_UNREADABLE',
      `The file ${file} cannot be read: ${error.code ?? error.message}.`,
      'Give --env-file a file of NAME=value lines.',
    );
  });
  const parsed = parseEnvFile(text);
  if (parsed.ok) return parsed.entries;
  throw new Refusal(
    'ENV_FILE_INVALID',
    `${file}:${parsed.line}: This is no variable.`,
    'Write NAME=value, or NAME alone to take it from the environment; a name has letters, digits, "_", "." and "-" and begins with no digit.',
  );
};

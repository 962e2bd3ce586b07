import { given, type Outside } from '../engine/given.ts';
import type { Plan } from '../plan/plan.ts';
import { valuesOf } from '../plan/stage.ts';
import { open } from '../secrets/age.ts';
import type { Opened } from '../secrets/opened.ts';
import { parseEnvFile } from './parse-env-file.ts';

/** Where a project keeps its secrets, encrypted, and who may read them. */
export const secretsFile = '.cion.secrets.age';
export const recipientsFile = '.cion.recipients';

/**
 * What a plan is given from outside, with its encrypted values and the secrets of the project's file opened: only what it needs, and the
 * file only where something was not given otherwise. `read` gives the file of the run's commit, `undefined` where there is none.
 */
export const openSecrets = async (
  outside: Outside,
  identities: readonly string[],
  plan: Plan,
  read: () => Promise<Uint8Array | undefined>,
): Promise<Outside> => {
  const values = plan.nodes.flatMap((node) => (node.kind === 'stage' ? valuesOf(node) : []));
  const ciphertexts = new Set(values.flatMap((value) => (value.kind === 'encrypted' ? [value.ciphertext] : [])));
  const encrypted = new Map<string, Opened>();
  for (const ciphertext of ciphertexts) encrypted.set(ciphertext, await open(Buffer.from(ciphertext), identities));
  const isMissing = values.some((value) => (value.kind === 'secret' || value.kind === 'outside') && given(value, outside) === undefined);
  const file = isMissing ? await read() : undefined;
  if (file === undefined) return { ...outside, encrypted };
  const opened = await open(file, identities);
  if (!opened.ok) return { ...outside, encrypted, unreadable: opened.why };
  const parsed = parseEnvFile(opened.text);
  if (!parsed.ok) return { ...outside, encrypted, unreadable: 'damaged' };
  const kept = new Map(parsed.entries.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value] as const])));
  return { ...outside, encrypted, secret: (name) => outside.secret(name) ?? kept.get(name) };
};

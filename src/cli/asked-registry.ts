import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { dockerHub, parseImageReference } from '../plan/image-reference.ts';
import { type RegistryKey, RegistryKeyError, registryKey } from '../server/registry/registry-key.ts';
import type { Context } from './context.ts';
import { Refusal } from './refusal.ts';

export type RegistryOptions = { readonly registry?: string; readonly registryKey?: string };

export type AskedRegistry = { readonly host: string; readonly prefix: string; readonly key: RegistryKey };

/** The registry that a server gives tokens for: `HOST`, `HOST:5000/cion`. */
export const registryOf = async (
  { cwd }: Pick<Context, 'cwd'>,
  { registry, registryKey: file }: RegistryOptions,
): Promise<{ readonly registry?: AskedRegistry }> => {
  if (registry === undefined && file === undefined) return {};
  if (registry === undefined || file === undefined) {
    throw new Refusal('USAGE', 'A registry of the server needs both --registry and --registry-key.', 'See docs/registry.md.');
  }
  const place = parseImageReference(`${registry}/owner/name`);
  if (!place.ok || place.image.registry === dockerHub) {
    throw new Refusal('USAGE', `${JSON.stringify(registry)} is no registry.`, 'Write HOST, HOST:PORT or HOST/PREFIX.');
  }
  const path = resolve(cwd, file);
  const pem = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new Refusal('REGISTRY_KEY', `The key of the registry cannot be read: ${String(error instanceof Error ? error.message : error)}.`);
  });
  return { registry: { host: place.image.registry, prefix: place.image.repository.replace(/\/?owner\/name$/, ''), key: keyIn(pem) } };
};

const keyIn = (pem: string): RegistryKey => {
  try {
    return registryKey(pem);
  } catch (error) {
    throw error instanceof RegistryKeyError ? new Refusal('REGISTRY_KEY', `${error.message}.`, 'See docs/registry.md.') : error;
  }
};

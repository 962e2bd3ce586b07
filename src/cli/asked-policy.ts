import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { dockerHub, parseImageReference } from '../plan/image-reference.ts';
import type { ImagePolicy } from '../planning/image-policy.ts';
import type { Context } from './context.ts';
import { Refusal } from './refusal.ts';

export type PolicyOptions = {
  readonly production?: true;
  readonly boxRegistry?: string;
  readonly allowRegistry?: readonly string[];
  readonly policy?: string;
};

type PolicyFile = Partial<ImagePolicy>;

/** What the command line says, over what the file of the policy says; Docker Hub is allowed where nobody says which are. */
export const imagePolicy = async ({ cwd }: Pick<Context, 'cwd'>, options: PolicyOptions): Promise<ImagePolicy> => {
  const said = options.policy === undefined ? {} : await readPolicy(resolve(cwd, options.policy));
  const boxRegistry = options.boxRegistry ?? said.boxRegistry;
  const policy: ImagePolicy = {
    production: options.production ?? said.production ?? false,
    ...(boxRegistry === undefined ? {} : { boxRegistry }),
    allowRegistries: options.allowRegistry ?? said.allowRegistries ?? [dockerHub],
    privateServices: said.privateServices ?? [],
  };
  for (const registry of [...policy.allowRegistries, ...(boxRegistry === undefined ? [] : [boxRegistry])]) checkRegistry(registry);
  for (const { image } of policy.privateServices) {
    if (!parseImageReference(image).ok)
      throw new Refusal('POLICY_UNREADABLE', `The policy names ${JSON.stringify(image)}, which is no image.`);
  }
  return policy;
};

const readPolicy = async (path: string): Promise<PolicyFile> => {
  try {
    const { z } = await import('zod');
    const shape = z.strictObject({
      production: z.boolean().exactOptional(),
      boxRegistry: z.string().exactOptional(),
      allowRegistries: z.array(z.string()).exactOptional(),
      privateServices: z.array(z.strictObject({ image: z.string(), projects: z.array(z.string()) })).exactOptional(),
    });
    const read = shape.safeParse(JSON.parse(await readFile(path, 'utf8')));
    if (read.success) return read.data;
    throw new Error(z.prettifyError(read.error));
  } catch (error) {
    throw new Refusal(
      'POLICY_UNREADABLE',
      `The policy ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      'It is JSON with "production", "boxRegistry", "allowRegistries" and "privateServices".',
    );
  }
};

const checkRegistry = (registry: string): void => {
  const parsed = parseImageReference(`${registry}/x`);
  if (parsed.ok && hostOf(registry) === parsed.image.registry) return;
  throw new Refusal('USAGE', `${JSON.stringify(registry)} is no registry.`, 'Write HOST or HOST/PATH, as in registry.example.org:5000.');
};

const hostOf = (registry: string): string => registry.split('/', 1)[0] ?? '';

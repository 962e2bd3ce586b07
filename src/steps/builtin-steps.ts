import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { readStepDirectory } from './read-step-directory.ts';
import { manifestOf } from './step-code.ts';
import type { StepFiles } from './step-entries.ts';

export type BuiltinStep = { readonly name: string; readonly version: string; readonly files: StepFiles };

const place = new URL('builtin/', import.meta.url);

/** Names of the steps that come with cion. */
export const builtinNames = async (): Promise<readonly string[]> => (await readdir(place)).sort();

/** `undefined` when none of ours has that name. */
export const builtinStep = async (name: string): Promise<BuiltinStep | undefined> => {
  if (!(await builtinNames()).includes(name)) return undefined;
  const files = await readStepDirectory(fileURLToPath(new URL(name, place)));
  return { name, files, version: versionIn(files) };
};

const versionIn = (files: StepFiles): string => {
  const text = Buffer.from(manifestOf(files)?.bytes ?? []).toString('utf8');
  return /^version: *(\S+)$/m.exec(text)?.[1] ?? '0.0.0';
};

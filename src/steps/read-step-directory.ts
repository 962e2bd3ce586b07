import { lstat, readFile, readlink } from 'node:fs/promises';
import { walk } from '../lib/walk.ts';
import { type StepFiles, stepEntries, UnsafeStep } from './step-entries.ts';

const passedBy: ReadonlySet<string> = new Set(['.git', '.cion', '.wercker']);

/** The files of a step's directory as they are now, without git's and ours; throws UnsafeStep when they cannot be a step's. */
export const readStepDirectory = async (directory: string): Promise<StepFiles> => {
  const entries = stepEntries();
  for await (const { name, path, kind } of walk(directory, (name) => passedBy.has(name))) {
    const text = name.toString('utf8');
    if (!Buffer.from(text).equals(name)) throw new UnsafeStep(`has a file whose name is not UTF-8: ${text}`);
    if (kind === 'directory') entries.add(text, { kind });
    else if (kind === 'symlink') entries.add(text, { kind, target: await readlink(path, 'utf8') });
    else entries.add(text, { kind, bytes: await readFile(path), executable: ((await lstat(path)).mode & 0o111) !== 0 });
  }
  return entries.files('directory');
};

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory for all test processes, made by the first that asks for this `key`. To be copied, not to be changed. */
export const templateDirectory = (key: string, make: (directory: string) => void): string => {
  const directory = pathOf(key);
  if (existsSync(directory)) return directory;
  const draft = mkdtempSync(`${directory}-`);
  make(draft);
  keep(draft, directory);
  return directory;
};

/** The same for what takes its time. */
export const templateDirectoryOf = async (key: string, make: (directory: string) => Promise<void>): Promise<string> => {
  const directory = pathOf(key);
  if (existsSync(directory)) return directory;
  const draft = mkdtempSync(`${directory}-`);
  await make(draft);
  keep(draft, directory);
  return directory;
};

/** With owners and modes. */
export const copyDirectory = (from: string, to: string): void => void execFileSync('cp', ['-a', from, to]);

const pathOf = (key: string): string =>
  join(tmpdir(), `cion-test-${process.getuid?.() ?? 0}-${createHash('sha256').update(key).digest('hex').slice(0, 16)}`);

const keep = (draft: string, directory: string): void => {
  try {
    renameSync(draft, directory);
  } catch {
    rmSync(draft, { recursive: true, force: true });
  }
};

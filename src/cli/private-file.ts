import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export type PrivateFile = {
  readonly path: string;
  /** For as long as it returns true, Ctrl-C is the business of another program on the terminal. */
  leavesInterrupts: () => boolean;
};

/**
 * A file that only this user can read, in a directory of its own: in memory where the system offers that (XDG_RUNTIME_DIR). It is gone
 * when the work has ended, however, and when a signal ends the process.
 */
export const withPrivateFile = async <T>(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  content: string,
  work: (file: PrivateFile) => Promise<T>,
): Promise<T> => {
  const directory = mkdtempSync(join(placeFor(env), 'cion-secret-'));
  const file: PrivateFile = { path: join(directory, name), leavesInterrupts: () => false };
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  const onSignal = (signal: (typeof signals)[number]): void => {
    if (signal === 'SIGINT' && file.leavesInterrupts()) return;
    remove();
    process.exit(128 + constants.signals[signal]);
  };
  process.on('exit', remove);
  for (const signal of signals) process.on(signal, onSignal);
  try {
    await writeFile(file.path, content, { flag: 'wx', mode: 0o600 });
    return await work(file);
  } finally {
    remove();
    process.off('exit', remove);
    for (const signal of signals) process.off(signal, onSignal);
  }
};

const placeFor = ({ XDG_RUNTIME_DIR }: Readonly<Record<string, string | undefined>>): string =>
  XDG_RUNTIME_DIR !== undefined && statSync(XDG_RUNTIME_DIR, { throwIfNoEntry: false })?.isDirectory() ? XDG_RUNTIME_DIR : tmpdir();

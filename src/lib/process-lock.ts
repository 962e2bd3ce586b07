import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What one process of this machine has at a time. */
export type ProcessLock = { readonly kind: 'taken'; release(): Promise<void> } | { readonly kind: 'held'; readonly pid: number };

/**
 * Takes the lock that a directory stands for, also from an owner that has died. Locks are numbered, `1`, `2`, …, and the highest counts: who finds it
 * free or its owner dead makes the next, which only one can. A lock is never removed, so a number is never made twice.
 */
export const takeProcessLock = async (directory: string): Promise<ProcessLock> => {
  const mine = join(directory, `.${process.pid}-${crypto.randomUUID()}`);
  await mkdir(directory, { recursive: true });
  try {
    await writeFile(mine, `${process.pid} ${(await startOf(process.pid)) ?? ''}\n`);
    for (;;) {
      const last = await lastLock(directory);
      const owner = await livingOwner(directory, last);
      if (owner !== undefined) return { kind: 'held', pid: owner };
      const next = join(directory, String(last + 1));
      if (await linked(mine, next)) return { kind: 'taken', release: () => writeFile(next, 'released\n') };
    }
  } finally {
    await rm(mine, { force: true });
  }
};

/** Which living process has the lock. */
export const holderOf = async (directory: string): Promise<number | undefined> => livingOwner(directory, await lastLock(directory));

const lastLock = async (directory: string): Promise<number> => {
  try {
    return (await readdir(directory)).reduce((last, name) => (/^\d+$/.test(name) ? Math.max(last, Number(name)) : last), 0);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0;
    throw error;
  }
};

const livingOwner = async (directory: string, lock: number): Promise<number | undefined> => {
  if (lock === 0) return undefined;
  const [, pid, start] = /^(\d+) (\d*)\n/.exec(await readFile(join(directory, String(lock)), 'utf8')) ?? [];
  return pid !== undefined && (await isAlive(Number(pid), start ?? '')) ? Number(pid) : undefined;
};

const isAlive = async (pid: number, start: string): Promise<boolean> => {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  return start === '' || start === (await startOf(pid));
};

/**
 * When a process began, in the kernel's ticks, so that a number given to another process is no mistake; `undefined` where the system
 * does not tell, and of a dead process whose parent has not noticed.
 */
const startOf = async (pid: number): Promise<string | undefined> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
};

const linked = async (from: string, to: string): Promise<boolean> => {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
};

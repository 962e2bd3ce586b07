import { join } from 'node:path';
import { holderOf, takeProcessLock } from '../lib/process-lock.ts';
import { LocalError, stateUnreadable, stateUnwritable } from './local-error.ts';
import { runState } from './project-dir.ts';

/** One process executes a run. */
export type Lock = { release(): Promise<void> };

/** Takes a run's lock, also from an owner that has died. Throws RUN_BUSY when a living process has it. */
export const takeLock = async (dir: string, run: string): Promise<Lock> => {
  try {
    const lock = await takeProcessLock(lockOf(dir, run));
    if (lock.kind === 'held') throw new LocalError('RUN_BUSY', `The run ${run} is being executed by process ${lock.pid}.`);
    return { release: lock.release };
  } catch (error) {
    throw stateUnwritable(`the lock of ${run}`, error);
  }
};

/** Which living process executes a run. */
export const ownerOf = async (dir: string, run: string): Promise<{ readonly pid: number } | undefined> => {
  try {
    const pid = await holderOf(lockOf(dir, run));
    return pid === undefined ? undefined : { pid };
  } catch (error) {
    throw stateUnreadable(`the lock of ${run}`, error);
  }
};

const lockOf = (dir: string, run: string): string => join(runState(dir, run), 'lock');

import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing, stateUnreadable, stateUnwritable } from './local-error.ts';
import { stateRoot } from './project-dir.ts';

/**
 * Gives a run the project's next number: 1, 2, …, never twice, also to processes at the same moment (R-CIO-58). `numbers/<n>` holds the
 * run's id; that it can be made only once is what makes the number unique.
 */
export const takeRunNumber = async (dir: string, run: string): Promise<number> => {
  const directory = numbersOf(dir);
  const mine = join(directory, `.${run}`);
  try {
    await mkdir(directory, { recursive: true });
    await writeFile(mine, run);
    const taken = (await readdir(directory)).reduce((last, name) => (/^\d+$/.test(name) ? Math.max(last, Number(name)) : last), 0);
    for (let number = taken + 1; ; number++) {
      try {
        await link(mine, join(directory, String(number)));
        return number;
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      }
    }
  } catch (error) {
    throw stateUnwritable(`the number of ${run}`, error);
  } finally {
    await rm(mine, { force: true }).catch(() => {});
  }
};

/** Which run has a number. */
export const runOfNumber = async (dir: string, number: number): Promise<string | undefined> => {
  try {
    return await readFile(join(numbersOf(dir), String(number)), 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw stateUnreadable(`the run with the number ${number}`, error);
  }
};

const numbersOf = (dir: string): string => join(stateRoot(dir), 'numbers');

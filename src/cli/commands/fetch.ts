import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { clone, wantedOf } from '../../source/clone.ts';
import { originOf } from '../../source/origin.ts';
import { buildDirectory, markFetched, sourceOf } from '../build-directory.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { listenForInterrupts } from '../interrupts.ts';
import { shortCommit } from '../printers/words.ts';
import { Refusal } from '../refusal.ts';

export type FetchOptions = { readonly ssh?: true };

/** The source of a project, and nothing before its newest commit (R-WRK-64, R-WRK-82). */
export const fetch = async (context: Context, text: string, directory: string | undefined, options: FetchOptions): Promise<ExitCode> => {
  const wanted = wantedOf(text, options.ssh === true);
  if (wanted === undefined) {
    throw new Refusal(
      'USAGE',
      `${JSON.stringify(text.replace(/:[^/@]*@/, ':…@'))} names no repository.`,
      'Write HOST/OWNER/PROJECT, with @BRANCH, @TAG or @COMMIT behind it if it is to be that; never a password: git has credential helpers.',
    );
  }
  const build = directory === undefined ? buildDirectory(context) : undefined;
  if (directory === undefined && build === undefined) {
    throw new Refusal('BUILD_DIR_UNKNOWN', 'It is not said where to.', 'Set BUILD_ID or BUILD_DIR, or name a directory.');
  }
  const into = build === undefined ? resolve(context.cwd, directory ?? '.') : sourceOf(build);
  const own = await make(build ?? into, build !== undefined);
  if (build !== undefined) await take(into);
  const interrupts = listenForInterrupts((said) => void context.stderr.write(`cion: ${said}\n`));
  try {
    await clone(wanted, into, interrupts.cancel);
    if (build !== undefined) await markFetched(build, wanted.remote);
  } catch (error) {
    if (own || build !== undefined) await rm(own ? (build ?? into) : into, { recursive: true, force: true });
    if (interrupts.cancel.aborted) return exitCodes.cancelled;
    throw error;
  } finally {
    interrupts.stop();
  }
  const { commit = '', branch, tag } = await originOf(into);
  context.stdout.write(
    `${shortCommit(commit)} ${branch ?? tag ?? ''} of ${wanted.remote.owner}/${wanted.remote.repository} is in ${into}\n`.replace(
      '  ',
      ' ',
    ),
  );
  return exitCodes.passed;
};

/** Only one process can: who finds the build directory empty may have come between two steps of another that made it. */
const take = async (source: string): Promise<void> => {
  try {
    await mkdir(source);
  } catch (error) {
    throw isThere(error) ? taken(dirname(source)) : error;
  }
};

const isThere = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EEXIST';

const taken = (path: string): Refusal =>
  new Refusal('BUILD_DIR_TAKEN', `${path} is there already, and not empty.`, 'Take another BUILD_ID or directory, or remove it.');

/** An empty directory that is there is as good as a new one. Whether it is ours to remove. */
const make = async (path: string, isBuild: boolean): Promise<boolean> => {
  await mkdir(dirname(path), { recursive: true });
  try {
    await mkdir(path, isBuild ? { mode: 0o700 } : {});
    return true;
  } catch (error) {
    if (!isThere(error)) throw error;
    const isFree = (await readdir(path).catch(() => ['it is no directory'])).length === 0;
    if (isFree) return false;
    throw taken(path);
  }
};

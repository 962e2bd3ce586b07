import { lstat, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { readJournal } from '../local/journal.ts';
import { resolveRun } from '../local/runs.ts';
import type { Results } from '../results/results.ts';
import { fold } from '../run/fold.ts';
import type { RunState } from '../run/run-state.ts';
import type { Context } from './context.ts';
import { Refusal } from './refusal.ts';

export type Project = {
  readonly root: string;
  readonly name: string;
  /** Its name and a mark of where it is, for names are not unique. */
  readonly key: string;
  /** `.cion` of the root; perhaps not there yet. */
  readonly stateDir: string;
  readonly results: Results;
};

/**
 * The root of the git repository around the directory that was given, else around the current one; without git the directory itself.
 * A directory that was given and has a configuration of its own, which would not be read, is refused.
 */
export const projectRoot = async ({ cwd, project }: Pick<Context, 'cwd' | 'project'>): Promise<string> => {
  const directory = resolve(cwd, project ?? '.');
  const found = await stat(directory).catch(() => undefined);
  if (!found?.isDirectory()) throw new Refusal('DIRECTORY_MISSING', `There is no directory ${directory}.`);
  const root = (await repositoryAround(directory)) ?? directory;
  if (project === undefined || root === directory) return root;
  const { cionFile } = await import('../dialects/cion/cion.ts');
  if (await isThere(join(directory, cionFile))) {
    throw new Refusal(
      'PROJECT_NOT_ROOT',
      `The configuration is read from the root of the git repository, which is ${root} and not ${directory}: the ${cionFile} there would not be used.`,
      `Give ${root} to use its ${cionFile}, or make ${directory} a project of its own: copy it out, or "git init" in it.`,
    );
  }
  return root;
};

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

const repositoryAround = async (from: string): Promise<string | undefined> => {
  for (let directory = from; ; directory = dirname(directory)) {
    if ((await stat(join(directory, '.git')).catch(() => undefined)) !== undefined) return directory;
    if (directory === dirname(directory)) return undefined;
  }
};

/** The run that a person means; the newest when nothing is said. */
export const findRun = async ({ stateDir }: Project, text: string | undefined): Promise<string> => {
  const found = await resolveRun(stateDir, text ?? 'last');
  if (found.ok) return found.value;
  const { code, message, hint } = found.problems[0] ?? { code: 'RUN_UNKNOWN', message: 'There is no such run.' };
  throw new Refusal(code === 'RUN_AMBIGUOUS' ? 'RUN_AMBIGUOUS' : 'RUN_UNKNOWN', message, hint);
};

export const readRun = async ({ stateDir }: Project, run: string): Promise<RunState> => {
  const state = fold((await readJournal(stateDir, run)) ?? []);
  if (state === undefined) throw new Refusal('RUN_UNKNOWN', `The run ${run} was never begun.`);
  return state;
};

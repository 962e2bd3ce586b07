import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { runState } from '../local/project-dir.ts';
import { runIds } from '../local/runs.ts';
import type { RunState } from '../run/run-state.ts';
import { readCommitted } from '../source/read-committed.ts';
import { snapshot } from '../source/snapshot.ts';
import { tarOf } from '../source/tar-of.ts';
import type { Tree } from '../planning/compile-tree.ts';
import { type Project, readRun } from './project.ts';
import { directoryTree, readFrom } from '../planning/directory-tree.ts';
import { Refusal } from './refusal.ts';

/** Where the source of a run lies while the run needs it. */
export const sourceDirectory = ({ stateDir }: Project, run: string): string => join(runState(stateDir, run), 'source');

/** The source of a run that is to go on: what was kept, or for a clean commit made again. As a tar, as often as it is asked for. */
export const keptSource = async (project: Project, state: RunState, signal: AbortSignal): Promise<() => Readable> => {
  const { run, number, fetch } = state;
  const directory = sourceDirectory(project, run);
  if ((await stat(directory).catch(() => undefined)) === undefined) {
    const { source } = fetch;
    if (source?.commit === undefined || !canBeHadAgain(project, state)) {
      throw new Refusal('SOURCE_GONE', `The files that run ${number} was about are no longer kept.`, 'Start a new run: cion run.');
    }
    await snapshot({ dir: project.root, commit: source.commit, into: directory, signal, log: () => undefined });
  }
  return () => tarOf(directory);
};

/** One file of the source of a run that is to go on; `undefined` when there is none. */
export const keptFile = async (project: Project, { run, fetch: { source } }: RunState, path: string): Promise<Uint8Array | undefined> => {
  const directory = sourceDirectory(project, run);
  if ((await stat(directory).catch(() => undefined)) !== undefined) return readFrom(directoryTree(directory), path);
  return source?.commit === undefined ? undefined : readCommitted(project.root, source.commit, path);
};

/** A clean commit of the project can be had again; other files are kept for a re-run, those of the newest runs. */
export const forgetSource = async (project: Project, state: RunState): Promise<void> => {
  const isUseless = state.fetch.source === undefined || canBeHadAgain(project, state);
  if (state.phase === 'finished' && isUseless) await rm(sourceDirectory(project, state.run), { recursive: true, force: true });
  await forgetOldSources(project);
};

/** Not where files were changed, were taken from another run, or come from a repository that is not kept. */
const canBeHadAgain = ({ root, stateDir }: Project, { trigger, fetch: { source } }: RunState): boolean =>
  source?.commit !== undefined && source.changedFiles === 0 && trigger.from === undefined && dirname(stateDir) === root;

const changedSourcesKept = 5;

const forgetOldSources = async (project: Project): Promise<void> => {
  let kept = 0;
  for (const run of await runIds(project.stateDir)) {
    const directory = sourceDirectory(project, run);
    if ((await stat(directory).catch(() => undefined)) === undefined || ++kept <= changedSourcesKept) continue;
    if ((await readRun(project, run)).phase === 'finished') await rm(directory, { recursive: true, force: true });
  }
};

/** The files of a commit for as long as the work takes. */
export const withCommitTree = async <T>(
  root: string,
  commit: string,
  signal: AbortSignal,
  work: (tree: Tree) => Promise<T>,
): Promise<T> => {
  const directory = await mkdtemp(join(tmpdir(), 'cion-commit-'));
  try {
    await snapshot({ dir: root, commit, into: join(directory, 'source'), signal, log: () => undefined });
    return await work(directoryTree(join(directory, 'source')));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};

import { didYouMean } from '../lib/did-you-mean.ts';
import { resolveRun } from '../local/runs.ts';
import { doneName, stagesOf } from '../plan/stage.ts';
import type { RunState } from '../run/run-state.ts';
import { findRun, type Project, readRun } from './project.ts';
import { Refusal } from './refusal.ts';

export type RunAndStage = { readonly state: RunState; readonly stage?: string };

/** What `[run] [stage]` means: one word alone that names no run is a stage of the newest. */
export const findRunAndStage = async (
  project: Project,
  first: string | undefined,
  second: string | undefined,
  names: (state: RunState) => readonly string[] = stageNames,
): Promise<RunAndStage> => {
  const hasStage = (state: RunState, name: string): boolean => names(state).includes(name);
  if (first !== undefined && second === undefined && !(await resolveRun(project.stateDir, first)).ok) {
    const newest = await readRun(project, await findRun(project, undefined));
    if (hasStage(newest, first)) return { state: newest, stage: first };
  }
  const state = await readRun(project, await findRun(project, first));
  if (second === undefined) return { state };
  if (hasStage(state, second)) return { state, stage: second };
  throw new Refusal('STAGE_UNKNOWN', `Run ${state.number} has no stage "${second}".`, didYouMean(second, names(state)));
};

const stageNames = (state: RunState): readonly string[] => [
  'fetch',
  ...[...state.nodes.values()].flatMap((node) => (node.kind === 'stage' ? [node.name] : [])),
];

/** Each stage's, and with it that of its `done`. */
export const logNames = (state: RunState): readonly string[] => {
  const withDone = new Set(
    state.plan === undefined ? [] : stagesOf(state.plan).flatMap(({ name, done }) => (done === undefined ? [] : [name])),
  );
  return stageNames(state).flatMap((name) => (withDone.has(name) ? [name, doneName(name)] : [name]));
};

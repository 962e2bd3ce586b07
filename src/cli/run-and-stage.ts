import { didYouMean } from '../lib/did-you-mean.ts';
import { resolveRun } from '../local/runs.ts';
import type { RunState } from '../run/run-state.ts';
import { findRun, type Project, readRun } from './project.ts';
import { Refusal } from './refusal.ts';

export type RunAndStage = { readonly state: RunState; readonly stage?: string };

/** What `[run] [stage]` means: one word alone that names no run is a stage of the newest. */
export const findRunAndStage = async (project: Project, first: string | undefined, second: string | undefined): Promise<RunAndStage> => {
  if (first !== undefined && second === undefined && !(await resolveRun(project.stateDir, first)).ok) {
    const newest = await readRun(project, await findRun(project, undefined));
    if (hasStage(newest, first)) return { state: newest, stage: first };
  }
  const state = await readRun(project, await findRun(project, first));
  if (second === undefined) return { state };
  if (hasStage(state, second)) return { state, stage: second };
  throw new Refusal('STAGE_UNKNOWN', `Run ${state.number} has no stage "${second}".`, didYouMean(second, ['fetch', ...state.nodes.keys()]));
};

const hasStage = (state: RunState, name: string): boolean => name === 'fetch' || state.nodes.get(name)?.kind === 'stage';

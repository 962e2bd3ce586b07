import { didYouMean } from '../lib/did-you-mean.ts';
import { doneName, stagesOf } from '../plan/stage.ts';
import type { RunState } from '../run/run-state.ts';
import { Refusal } from './refusal.ts';
import type { RunPlace } from './run-place.ts';

export type RunAndStage = { readonly state: RunState; readonly stage?: string };

/** What `[run] [stage]` means: one word alone that names no run is a stage of the newest. */
export const findRunAndStage = async (
  runs: RunPlace,
  first: string | undefined,
  second: string | undefined,
  names: (state: RunState) => readonly string[] = stageNames,
): Promise<RunAndStage> => {
  const hasStage = (state: RunState, name: string): boolean => names(state).includes(name);
  if (first !== undefined && second === undefined && !(await runs.has(first))) {
    const newest = await runs.read(undefined);
    if (hasStage(newest, first)) return { state: newest, stage: first };
  }
  const state = await runs.read(first);
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

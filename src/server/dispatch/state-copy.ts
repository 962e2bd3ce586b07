import type { RunState } from '../../run/run-state.ts';

/** One that stays as it is while the run goes on. */
export const copyOf = (state: RunState): RunState => ({
  ...state,
  nodes: new Map(state.nodes),
  filledVolumes: new Set(state.filledVolumes),
  failures: new Set(state.failures),
});

import { commitNames } from '../engine/commit-names.ts';
import { stagesOf } from '../plan/stage.ts';
import type { AttemptState, RunState } from '../run/run-state.ts';

export type NamedImage = { readonly reference: string; readonly digest: string };

/**
 * What runs left under names, and after steps, and made before that moment. Of each stage of a pipeline the newest image that it made when it passed stays,
 * however old it is (R-WRK-55). Runs come the newest first.
 */
export const oldImages = (runs: readonly RunState[], before: number): readonly NamedImage[] => {
  const kept = new Set<string>();
  const stays = new Set<string>();
  const old: NamedImage[] = [];
  for (const state of runs) {
    if (state.plan === undefined) continue;
    for (const { name, commit } of stagesOf(state.plan)) {
      const node = state.nodes.get(name);
      if (commit === undefined || node?.kind !== 'stage') continue;
      old.push(...imagesOfSteps(node.attempts, before));
      if (commit.names.length === 0) continue;
      const key = JSON.stringify([state.plan.pipeline, name]);
      for (const { committed, finishedAt, outcome } of node.attempts.toReversed()) {
        if (committed === undefined || finishedAt === undefined) continue;
        const passed = outcome === 'passed';
        const isNewestGreen = passed && !kept.has(key);
        if (isNewestGreen) kept.add(key);
        if (isNewestGreen || finishedAt >= before) stays.add(committed.digest);
        else {
          const names = commitNames(commit, { run: state.run, number: state.number, passed });
          old.push(...names.map((reference) => ({ reference, digest: committed.digest })));
        }
      }
    }
  }
  return old.filter(({ digest }) => !stays.has(digest));
};

const imagesOfSteps = (attempts: readonly AttemptState[], before: number): readonly NamedImage[] =>
  attempts
    .filter(({ finishedAt }) => finishedAt !== undefined && finishedAt < before)
    .flatMap(({ steps }) => steps.flatMap(({ image }) => image ?? []));

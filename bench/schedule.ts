import { execute } from '../src/engine/execute.ts';
import { depsFor, optionsFor, plannedJournal } from '../src/engine/testing/memory-run.ts';
import { systemClock } from '../src/lib/clock.ts';
import type { Plan } from '../src/plan/plan.ts';
import { reference, stage } from '../src/plan/stage.ts';

/** Milliseconds that a plan of so many stages takes from first decision to end on the fake runtime: layers of ten, each stage needing two of the layer before. */
export const schedule = async (stages: number): Promise<number> => {
  const deps = depsFor(plannedJournal(layered(stages)), systemClock);
  const began = performance.now();
  const { state } = await execute(deps, optionsFor({ concurrency: 8 }));
  if (state.outcome !== 'passed') throw new Error(`the run of ${stages} stages ended ${state.outcome}`);
  return performance.now() - began;
};

const layered = (count: number): Plan => ({
  version: 1,
  pipeline: 'layers',
  volumes: [],
  nodes: Array.from({ length: count }, (_, i) => stage({ name: `s${i}`, image: reference('busybox:latest'), needs: needsOf(i) })),
});

const needsOf = (index: number) => {
  if (index < 10) return [];
  const layer = index - (index % 10) - 10;
  return [layer + (index % 10), layer + ((index + 3) % 10)].map((n) => ({ node: `s${n}`, on: 'passed' as const }));
};

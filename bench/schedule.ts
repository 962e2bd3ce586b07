import { execute } from '../src/engine/execute.ts';
import { depsFor, optionsFor, plannedJournal } from '../src/engine/testing/memory-run.ts';
import { systemClock } from '../src/lib/clock.ts';
import type { Plan } from '../src/plan/plan.ts';
import { reference, stage } from '../src/plan/stage.ts';
import type { Results } from '../src/results/results.ts';

/** Milliseconds that a plan of so many stages takes from first decision to end on the fake runtime: layers of ten, each stage needing two of the layer before. */
export const schedule = async (stages: number): Promise<number> => {
  const planned = plannedJournal(layered(stages));
  const deps = depsFor({ ...planned, append: async () => {} }, systemClock, { results: nowhere });
  const began = performance.now();
  const { state } = await execute(deps, optionsFor({ concurrency: 8 }));
  if (state.outcome !== 'passed') throw new Error(`the run of ${stages} stages ended ${state.outcome}`);
  return performance.now() - began;
};

/** Keeps nothing: what is measured is the engine. */
const nowhere: Results = {
  name: 'nowhere',
  begin: async () => ({ position: { stdout: 0, stderr: 0 }, append: async () => {}, close: async () => {} }),
  putArtifacts: async () => undefined,
  finish: async () => {},
  readLog: async function* () {},
  open: async () => undefined,
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

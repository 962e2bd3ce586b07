import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execute } from '../src/engine/execute.ts';
import { depsFor, optionsFor, plannedJournal } from '../src/engine/testing/memory-run.ts';
import { systemClock } from '../src/lib/clock.ts';
import { newRunId } from '../src/lib/ids.ts';
import type { Plan, Stage, Step } from '../src/plan/plan.ts';
import { reference, stage } from '../src/plan/stage.ts';
import { fsResults } from '../src/results/fs/fs-results.ts';
import { dockerRuntime } from '../src/runtimes/docker/docker-runtime.ts';
import { connect } from '../src/runtimes/docker/engine/connect.ts';
import { findEndpoint } from '../src/runtimes/docker/engine/endpoint.ts';

export const image = 'busybox:latest';

/** Milliseconds that the whole run takes, clean-up included, with real containers and results on disk. */
export const runOnDocker = async (plan: Plan, concurrency: number): Promise<number> => {
  const root = await mkdtemp(join(tmpdir(), 'cion-bench-'));
  const began = performance.now();
  const engine = await connect(findEndpoint(process.env), new AbortController().signal);
  try {
    const journal = plannedJournal(plan, newRunId(Date.now()));
    const runtime = dockerRuntime({ engine });
    const { state } = await execute(depsFor(journal, systemClock, { runtime, results: fsResults({ root }) }), optionsFor({ concurrency }));
    if (state.outcome !== 'passed')
      throw new Error(
        `the run ended ${state.outcome}: ${JSON.stringify([...state.nodes.values()].map((node) => node.kind === 'stage' && node.attempts.at(-1)?.cause))}`,
      );
    return performance.now() - began;
  } finally {
    await engine.close();
    await rm(root, { recursive: true });
  }
};

export const chain = (count: number, script: string): Plan =>
  planOf(Array.from({ length: count }, (_, i) => shell(`s${i}`, script, i === 0 ? [] : [`s${i - 1}`])));

export const independent = (count: number, script: string): Plan =>
  planOf(Array.from({ length: count }, (_, i) => shell(`s${i}`, script, [])));

/** One stage of so many steps. */
export const steps = (count: number, script: string): Plan => {
  const all = Array.from(
    { length: count },
    (_, i): Step => ({ id: `s${i}`, name: `s${i}`, variables: [], timeouts: {}, action: { kind: 'script', script } }),
  );
  return planOf([stage({ name: 's', image: reference(image), command: { kind: 'steps', variables: [], steps: all, after: [] } })]);
};

const planOf = (nodes: readonly Stage[]): Plan => ({ version: 1, pipeline: 'bench', nodes, volumes: [] });

const shell = (name: string, script: string, needs: readonly string[]): Stage =>
  stage({ name, image: reference(image), command: { kind: 'shell', script }, needs: needs.map((node) => ({ node, on: 'passed' })) });

/** Milliseconds of the given number of `docker run --rm`, one after the other or all at once. */
export const dockerRuns = async (count: number, script: string, together: boolean): Promise<number> => {
  const began = performance.now();
  const run = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = spawn('docker', ['run', '--rm', image, 'sh', '-c', script], { stdio: ['ignore', 'ignore', 'inherit'] });
      child.on('error', reject);
      child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`docker run ended ${code}`))));
    });
  if (together) await Promise.all(Array.from({ length: count }, run));
  else for (let i = 0; i < count; i++) await run();
  return performance.now() - began;
};

import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execute } from '../src/engine/execute.ts';
import { depsFor, optionsFor, plannedJournal } from '../src/engine/testing/memory-run.ts';
import { systemClock } from '../src/lib/clock.ts';
import { newRunId } from '../src/lib/ids.ts';
import type { Results } from '../src/results/results.ts';
import { fsResults } from '../src/results/fs/fs-results.ts';
import { dockerRuntime } from '../src/runtimes/docker/docker-runtime.ts';
import { connect } from '../src/runtimes/docker/engine/connect.ts';
import { findEndpoint } from '../src/runtimes/docker/engine/endpoint.ts';
import type { Runtime } from '../src/runtimes/runtime.ts';
import { handOver, writing } from './dockercise.ts';

/** Milliseconds from the end of the producer's command to the start of the consumer's, and how many of them its zip took. */
export const handedOver = async (files: number, bytes: number): Promise<{ readonly all: number; readonly zip: number }> => {
  const root = await mkdtemp(join(tmpdir(), 'cion-bench-'));
  const engine = await connect(findEndpoint(process.env), new AbortController().signal);
  const at = { ended: 0, zipping: 0, zipped: 0, begun: 0 };
  const docker = dockerRuntime({ engine });
  const runtime: Runtime = {
    ...docker,
    start: async (item, values, signal) => {
      const execution = await docker.start(item, values, signal);
      if (item.stage.name === 'consumer') at.begun = performance.now();
      else void execution.exit.then(() => (at.ended = performance.now()));
      return execution;
    },
  };
  const kept = fsResults({ root });
  const results: Results = {
    ...kept,
    putArtifacts: async (key, tar) => {
      if (key.stage !== 'producer') return kept.putArtifacts(key, tar);
      at.zipping = performance.now();
      return kept.putArtifacts(key, tar).finally(() => (at.zipped = performance.now()));
    },
  };
  try {
    const journal = plannedJournal(handOver(files, bytes), newRunId(Date.now()));
    const { state } = await execute(depsFor(journal, systemClock, { runtime, results }), optionsFor());
    if (state.outcome !== 'passed') throw new Error(`the run ended ${state.outcome}`);
    return { all: at.begun - at.ended, zip: at.zipped - at.zipping };
  } finally {
    await engine.close();
    await rm(root, { recursive: true });
  }
};

/** Milliseconds of `tar | tar` of the same files from one directory of this machine to another. */
export const tarToTar = async (files: number, bytes: number): Promise<number> => {
  const root = await mkdtemp(join(tmpdir(), 'cion-bench-'));
  try {
    await Promise.all(['from', 'to'].map((name) => mkdir(join(root, name))));
    execFileSync('sh', ['-c', writing(files, bytes)], { cwd: join(root, 'from') });
    const began = performance.now();
    execFileSync('sh', ['-c', 'tar -cf - -C from . | tar -xf - -C to'], { cwd: root });
    return performance.now() - began;
  } finally {
    await rm(root, { recursive: true });
  }
};

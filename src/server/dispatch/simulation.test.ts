import assert from 'node:assert/strict';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { Seeds, SeedsDone } from './testing/simulation/seeds.ts';
import { simulate } from './testing/simulation/simulate.ts';

/**
 * CION_SIM_SEEDS=100000: so many seeds instead of the usual ones; CION_SIM_SEED=42: that one alone, with all that happened in it.
 */
const only = process.env.CION_SIM_SEED;
const seeds = Number(process.env.CION_SIM_SEEDS ?? 10_000);
const threads = Math.min(availableParallelism(), 16);

const inThread = async (given: Seeds): Promise<SeedsDone> => {
  const worker = new Worker(new URL('./testing/simulation/seeds.ts', import.meta.url), { workerData: given });
  const [done] = (await once(worker, 'message')) as [SeedsDone];
  await worker.terminate();
  return done;
};

describe('a server, three workers and all that can go wrong, simulated', { timeout: 3_600_000 }, () => {
  it('ends as it began when it is done again with the same seed', { skip: only !== undefined }, async () => {
    const told: string[][] = [[], []];
    for (const lines of told) await simulate(7, (line) => lines.push(line));
    assert.ok((told[0]?.length ?? 0) > 10);
    assert.deepEqual(told[0], told[1]);
  });

  it('ends every run, lets nothing go twice or too early, lets no attempt overlap its retry, and loses nothing (R-CIO-04, atk-71, atk-72, atk-73)', async (t) => {
    if (only !== undefined) {
      await simulate(Number(only), (line) => t.diagnostic(line));
      return;
    }
    const all = await Promise.all(Array.from({ length: threads }, (_, thread) => inThread({ from: 1 + thread, to: seeds, step: threads })));
    const failed = all.flatMap((done) => done.failed ?? []).sort((a, b) => a.seed - b.seed)[0];
    if (failed !== undefined) assert.fail(`CION_SIM_SEED=${failed.seed} does it again: ${failed.message}`);
    for (const kind of [
      'stage.lost',
      'stage.found',
      'stage.returned',
      'gate.decided',
      'run.rerun',
      'run.cancel-requested',
      'deployment.recorded',
      'run.printing',
    ]) {
      assert.ok(seeds < 100 || all.some(({ counts }) => (counts[kind] ?? 0) > 0), `${kind} happened`);
    }
  });
});

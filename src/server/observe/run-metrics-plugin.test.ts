import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runMetricsSchema } from '../../api/run-metrics.ts';
import { served } from '../dispatch/testing/served.ts';
import { routeApp } from '../testing/route-app.ts';
import { runMetricsOf } from './run-metrics.ts';
import { runMetricsPlugin } from './run-metrics-plugin.ts';
import { timedRun } from './testing/timed-run.ts';

test('the API shows start, stop and usage of a run and of each stage to who may see the run (R-WRK-67)', async () => {
  const it = served();
  const run = await timedRun(it);
  const { ask } = await routeApp({ ada: { 'acme/app': ['read'] }, eve: {} }, ({ access }) => [
    runMetricsPlugin({ access, runs: it.store.runs }),
  ]);
  const answer = await ask('ada', 'GET', '/api/projects/acme/app/runs/1/metrics');
  assert.equal(answer.status, 200);
  const metrics = runMetricsSchema.parse(answer.body);
  assert.deepEqual(metrics, runMetricsOf(await it.events(run)));
  const { startedAt = 0, finishedAt = 0, durationMs = 0, stages, usage } = metrics;
  assert.equal(finishedAt - startedAt, durationMs);
  assert.deepEqual([durationMs, usage.attempts, usage.containerMs], [21_600, stages.length, 18_000]);
  for (const stage of stages) {
    assert.ok((stage.startedAt ?? 0) > startedAt && (stage.finishedAt ?? 0) <= finishedAt, stage.stage);
    assert.ok((stage.runningMs ?? 0) <= durationMs, stage.stage);
  }
  assert.equal((await ask('ada', 'GET', '/api/projects/acme/app/runs/2/metrics')).status, 404);
  assert.equal((await ask('ada', 'GET', '/api/projects/acme/app/runs/x/metrics')).status, 400);
  assert.equal((await ask('eve', 'GET', '/api/projects/acme/app/runs/1/metrics')).status, 404);
});

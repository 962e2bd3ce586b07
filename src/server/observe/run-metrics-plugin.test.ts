import assert from 'node:assert/strict';
import { test } from 'node:test';
import { served } from '../dispatch/testing/served.ts';
import { routeApp } from '../testing/route-app.ts';
import { runMetricsOf } from './run-metrics.ts';
import { runMetricsPlugin } from './run-metrics-plugin.ts';
import { timedRun } from './testing/timed-run.ts';

test('the API shows start, stop and usage of a run and of each stage to who may see the run', async () => {
  const it = served();
  const run = await timedRun(it);
  const { ask } = await routeApp({ ada: { 'acme/app': ['read'] }, eve: {} }, ({ access }) => [
    runMetricsPlugin({ access, runs: it.store.runs }),
  ]);
  const answer = await ask('ada', 'GET', '/api/projects/acme/app/runs/1/metrics');
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.body, runMetricsOf(await it.events(run)));
  assert.equal((await ask('ada', 'GET', '/api/projects/acme/app/runs/2/metrics')).status, 404);
  assert.equal((await ask('ada', 'GET', '/api/projects/acme/app/runs/x/metrics')).status, 400);
  assert.equal((await ask('eve', 'GET', '/api/projects/acme/app/runs/1/metrics')).status, 404);
});

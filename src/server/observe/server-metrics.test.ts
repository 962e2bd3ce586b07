import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fastify } from 'fastify';
import { planOf, served, stageOf } from '../dispatch/testing/served.ts';
import { metricsServer } from './metrics-server.ts';
import { serverMetrics } from './server-metrics.ts';
import { timedRun } from './testing/timed-run.ts';

const linesOf = (text: string): ReadonlyMap<string, number> =>
  new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );

test('runs, attempts, times, the queue and workers are counted as they are', async () => {
  const it = served();
  const metrics = serverMetrics({ queue: it.store.queue, workers: async () => 3, clock: it.clock });
  metrics.follow(it.dispatcher);
  await timedRun(it);
  await it.plan(planOf([stageOf('waits')]), { project: 'ada/private-name' });
  await it.clock.advance(7000);
  const lines = linesOf(await metrics.text());
  const expected: Readonly<Record<string, number>> = {
    'cion_runs_total{outcome="passed",trigger="manual"}': 1,
    'cion_run_seconds_sum{outcome="passed"}': 21.6,
    'cion_stages_total{outcome="failed"}': 1,
    'cion_stages_total{outcome="passed"}': 2,
    'cion_stage_seconds_sum{outcome="passed"}': 12,
    cion_stage_wait_seconds_sum: 3.6,
    cion_claims_total: 3,
    cion_deployments_total: 1,
    cion_leases_lost_total: 0,
    'cion_queue_items{state="waiting"}': 1,
    'cion_queue_items{state="claimed"}': 0,
    cion_queue_oldest_seconds: 7,
    cion_workers: 3,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(lines.get(name), value, name);
});

test('a lease that is lost and an attempt that comes back are counted', async () => {
  const it = served();
  const metrics = serverMetrics({ queue: it.store.queue, workers: async () => 0, clock: it.clock });
  metrics.follow(it.dispatcher);
  await it.start();
  await it.plan(planOf([stageOf('only')]));
  const [claimed] = await it.claim();
  assert.ok(claimed);
  await it.clock.advance(it.deps.limits.leaseMs * 3);
  const lines = linesOf(await metrics.text());
  assert.equal(lines.get('cion_attempts_returned_total{because="lost"}'), 1);
});

test('requests are counted by their route, never by their address', async () => {
  const it = served();
  const metrics = serverMetrics({ queue: it.store.queue, workers: async () => 0, clock: it.clock });
  const app = fastify();
  metrics.observe(app);
  app.get('/api/projects/:owner/:name', async () => ({}));
  await app.inject('/api/projects/ada/private-name?token=hunter2');
  await app.inject('/api/projects/ada/other');
  await app.inject('/etc/hunter2');
  const text = await metrics.text();
  const lines = linesOf(text);
  assert.equal(lines.get('cion_http_requests_total{method="GET",route="/api/projects/:owner/:name",status="200"}'), 2);
  assert.equal(lines.get('cion_http_requests_total{method="any",route="none",status="404"}'), 1);
  assert.doesNotMatch(text, /private-name|hunter2/);
});

test('metrics name no project, branch, stage or person, and are shown at an address of their own to who has the token (atk-66)', async (t) => {
  const it = served();
  const metrics = serverMetrics({ queue: it.store.queue, workers: async () => 0, clock: it.clock });
  metrics.follow(it.dispatcher);
  await it.start();
  await it.plan(planOf([stageOf('stage-hunter2')]), { project: 'ada/private-name' });
  assert.doesNotMatch(await metrics.text(), /hunter2|private-name|"(?:eve|main)"/);

  const shown = await metricsServer(metrics, { host: '127.0.0.1', port: 0, token: 'of the scraper' });
  t.after(() => shown.close());
  const url = `http://127.0.0.1:${shown.port}`;
  const get = async (path: string, authorization?: string): Promise<readonly [number, string]> => {
    const answer = await fetch(`${url}${path}`, { headers: authorization === undefined ? {} : { authorization } });
    return [answer.status, await answer.text()];
  };
  for (const wrong of [undefined, 'Bearer', 'Bearer of the scrape', 'Basic of the scraper', 'Bearer of the scraperx']) {
    assert.deepEqual(await get('/metrics', wrong), [401, '']);
  }
  assert.deepEqual(await get('/metrics?token=of the scraper'), [404, '']);
  assert.deepEqual(await get('/', 'Bearer of the scraper'), [404, '']);
  const [status, text] = await get('/metrics', 'Bearer of the scraper');
  assert.equal(status, 200);
  assert.match(text, /^cion_workers 0$/m);

  for (const host of ['0.0.0.0', '::', '192.168.1.1', 'ci.example.org']) {
    await assert.rejects(metricsServer(metrics, { host, port: 0 }), { code: 'METRICS_UNPROTECTED' }, host);
  }
  const open = await metricsServer(metrics, { host: 'localhost', port: 0 });
  await open.close();
});

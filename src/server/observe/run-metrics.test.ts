import assert from 'node:assert/strict';
import { test } from 'node:test';
import { served } from '../dispatch/testing/served.ts';
import { runMetricsOf } from './run-metrics.ts';
import { timedRun } from './testing/timed-run.ts';

test('start, stop and usage of a run and of each attempt come from its events', async () => {
  const it = served();
  const run = await timedRun(it);
  const metrics = runMetricsOf(await it.events(run));
  const start = 1_000_000;
  assert.ok(metrics);
  const { stages, ...whole } = metrics;
  assert.deepEqual(whole, {
    run,
    number: 1,
    outcome: 'passed',
    createdAt: start,
    startedAt: start,
    finishedAt: start + 21_600,
    durationMs: 21_600,
    usage: { attempts: 3, containerMs: 18_000, sourceBytes: 10, outputBytes: 0, artifactBytes: 0, volumeBytes: 700, imagesPulled: 1 },
  });
  assert.deepEqual(
    stages.map(({ stage, attempt, outcome, worker, queuedMs, preparingMs, runningMs, isPulled, volumeBytes }) => [
      stage,
      attempt,
      outcome,
      worker,
      queuedMs,
      preparingMs,
      runningMs,
      isPulled,
      volumeBytes,
    ]),
    [
      ['build', 1, 'failed', 'w1', 1000, 2000, 6000, false, 0],
      ['build', 2, 'passed', 'w1', 500, 100, 8000, true, 700],
      ['deploy', 1, 'passed', 'w1', 0, 0, 4000, false, 0],
    ],
  );
  assert.deepEqual(
    stages[1]?.steps.map(({ step }) => step),
    ['compile'],
  );
});

test('what has not happened yet is absent, and a clock that was set back makes no time negative', async () => {
  const it = served();
  const run = await timedRun(it);
  const events = await it.events(run);
  assert.equal(runMetricsOf([]), undefined);
  const open = runMetricsOf(events.slice(0, events.findIndex(({ kind }) => kind === 'stage.started') + 1));
  assert.equal(open?.finishedAt, undefined);
  assert.deepEqual(
    open?.stages.map(({ runningMs, preparingMs }) => [runningMs, preparingMs]),
    [[undefined, 2000]],
  );
  const back = runMetricsOf(events.map((event) => ({ ...event, at: -event.at })));
  for (const { queuedMs, preparingMs, runningMs } of back?.stages ?? []) assert.deepEqual([queuedMs, preparingMs, runningMs], [0, 0, 0]);
  assert.equal(back?.durationMs, 0);
});

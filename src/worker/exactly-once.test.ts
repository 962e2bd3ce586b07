import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { WorkerBytes } from '../api/worker-bytes.ts';
import type { WorkerApi } from '../api/worker-protocol.ts';
import { memoryCaches, memoryTrees } from '../engine/testing/memory-stores.ts';
import { doing } from '../engine/testing/fake-run.ts';
import { memoryResults } from '../results/memory/memory-results.ts';
import { fakeRuntime } from '../runtimes/fake/fake-runtime.ts';
import { planOf, served } from '../server/dispatch/testing/served.ts';
import { testWorker } from './testing/test-worker.ts';

const absent = (): Promise<never> => Promise.reject(new Error('this test has none'));

it('five items that wait when the server dies are each run once, by one of the two workers of the next server (R-CIO-04)', async (t) => {
  const server = served();
  await server.start();
  const runs = await Promise.all(
    Array.from({ length: 5 }, (_, n) =>
      server.plan(planOf([doing(`s${n}`, { FAKE_STDOUT: `${n}`, FAKE_SLEEP_MS: '1000' })]), { project: `acme/${n}` }),
    ),
  );
  await server.restart();

  const api: WorkerApi = {
    claim: (...given) => server.dispatcher.claim(...given),
    report: (...given) => server.dispatcher.report(...given),
  };
  const results = memoryResults();
  const bytes: WorkerBytes = () => ({
    results,
    caches: memoryCaches(),
    trees: { ...memoryTrees(), keep: absent },
    outputs: { read: absent, keep: absent },
  });
  const started: string[] = [];
  for (const name of ['one', 'two']) {
    const runtime = fakeRuntime({ clock: server.clock });
    const worker = await testWorker({
      server: { api, bytes },
      clock: server.clock,
      name,
      more: { slots: 2 },
      runtime: {
        ...runtime,
        start: (item, ...rest) => {
          started.push(item.stage.name);
          return runtime.start(item, ...rest);
        },
      },
    });
    t.after(worker.close);
  }

  const ended = new Set<string>();
  server.dispatcher.watch(undefined, (_events, { run, phase }) => {
    if (phase === 'finished') ended.add(run);
  });
  while (ended.size < runs.length) await server.clock.advance(100);
  server.end();
  const outcomes = await Promise.all(runs.map(async (run) => (await server.state(run))?.outcome));
  assert.deepEqual(
    outcomes,
    Array.from({ length: 5 }, () => 'passed'),
  );
  assert.deepEqual(started.toSorted(), ['s0', 's1', 's2', 's3', 's4']);
  const preparing = (await Promise.all(runs.map(server.events))).flat().filter(({ kind }) => kind === 'stage.preparing');
  assert.deepEqual(new Set(preparing.map((event) => event.kind === 'stage.preparing' && event.worker)), new Set(['one', 'two']));
  assert.equal(preparing.length, 5);
});

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { virtualClock } from '../lib/virtual-clock.ts';
import { fakeRuntime, fakeWorld } from '../runtimes/fake/fake-runtime.ts';
import { after, doing } from '../engine/testing/fake-run.ts';
import { memoryServer } from './testing/memory-server.ts';
import { testWorker } from './testing/test-worker.ts';

const setUp = (t: TestContext, names: readonly string[] = ['one'], more: Parameters<typeof testWorker>[0]['more'] = {}) => {
  const clock = virtualClock({ whenIdle: 'run' });
  const server = memoryServer({ clock });
  const begin = async (name: string, world = fakeWorld(), stateDir?: string) => {
    const worker = await testWorker({
      server,
      runtime: fakeRuntime({ clock, world }),
      clock,
      name,
      ...(stateDir === undefined ? {} : { stateDir }),
      more,
    });
    t.after(worker.close);
    return { ...worker, world };
  };
  return { clock, server, begin, names };
};

const work = [{ kind: 'volume', volume: 'work', path: '/w', access: 'read-write' }] as const;

describe('a worker', () => {
  it('runs what it is given and tells of it in order, with its log and its document', async (t) => {
    const { server, begin } = setUp(t);
    await begin('one');
    const item = server.push({ stage: doing('build', { FAKE_STDOUT: 'hello\n', FAKE_SLEEP_MS: '30000', FAKE_EXIT: '3' }) });
    const finished = await server.finished(item);
    assert.deepEqual([finished.outcome, finished.cause], ['failed', { kind: 'exit', code: 3 }]);
    assert.deepEqual(
      server.facts(item).map(({ kind }) => kind),
      ['stage.preparing', 'image.resolved', 'stage.started', 'stage.finished'],
    );
    assert.equal(await server.logOf(item), 'hello\n');
  });

  it('does as many at a time as it has slots', async (t) => {
    const { server, begin } = setUp(t, ['one'], { slots: 2 });
    await begin('one');
    const items = [1, 2, 3, 4, 5].map((n) => server.push({ stage: doing(`s${n}`, { FAKE_SLEEP_MS: '1000' }) }));
    await Promise.all(items.map(server.finished));
  });

  it('hands what a stage left to another worker, that has another engine', async (t) => {
    const { server, begin } = setUp(t);
    await begin('one');
    await begin('two');
    const build = server.push({
      stage: doing('build', { FAKE_WRITE: JSON.stringify({ '/w/app': 'made' }) }, { mounts: work }),
      only: 'one',
      keep: ['work'],
    });
    await server.finished(build);
    const { tree } = await server.fact(build, 'volume.kept');
    const test = server.push({
      stage: doing('test', { FAKE_PRINT_FILE: '/w/app' }, { ...after('build'), mounts: work }),
      only: 'two',
      volumes: { work: { kind: 'tree', digest: tree } },
    });
    assert.equal((await server.finished(test)).outcome, 'passed');
    assert.equal(await server.logOf(test), 'made');
    assert.deepEqual(server.fetched, [tree]);
  });
});

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { newRunId } from '../../lib/ids.ts';
import { newCase, script } from '../contract/case.contract.ts';
import { dockerRuntime } from './docker-runtime.ts';
import { connect } from './engine/connect.ts';
import { findEndpoint } from './engine/endpoint.ts';
import { label, labelFilter } from './labels.ts';
import { dockerSubject } from './testing/contract-subject.ts';

type Listed = { readonly Id: string; readonly Names: readonly string[] };

const opened = async (t: TestContext) => {
  const endpoint = findEndpoint(process.env);
  const engine = await connect(endpoint, AbortSignal.timeout(30_000));
  const subject = await dockerSubject(endpoint, process.env);
  t.after(async () => {
    await subject.close();
    await engine.close();
  });
  const run = newRunId(Date.now());
  const filters = labelFilter({ [label.namespace]: subject.namespace, [label.role]: 'spare' });
  const spares = () => engine.json<readonly Listed[]>('GET', '/containers/json', { query: { filters, all: true } });
  const networkOf = async (container: string): Promise<string> => {
    const { HostConfig } = await engine.json<{ readonly HostConfig: { readonly NetworkMode: string } }>(
      'GET',
      `/containers/${container}/json`,
    );
    return HostConfig.NetworkMode;
  };
  return { ...newCase(subject, run, t.signal), namespace: subject.namespace, engine, spares, networkOf };
};

test('a network that was made ready is that of the first run that comes, and goes with it, also for another process', async (t) => {
  const { runtime, item, prepare, subject, run, spares, networkOf, signal } = await opened(t);
  await Promise.all([runtime.ready(signal), runtime.ready(signal)]);
  const [ready, ...more] = await spares();
  assert.ok(ready);
  assert.deepEqual(more, []);
  const { container } = await prepare({ ...item(script('true')), alone: true });
  assert.equal(await networkOf(container), `container:${ready.Id}`);
  const other = subject.another();
  assert.equal((await other.sweep({ kind: 'spare' }, signal)).containers, 0);
  await other.sweep({ kind: 'all', exceptRuns: [run] }, signal);
  await other.sweep({ kind: 'run', run: `${run}x` }, signal);
  assert.deepEqual(
    (await spares()).map(({ Id }) => Id),
    [ready.Id],
  );
  await other.sweep({ kind: 'run', run }, signal);
  assert.deepEqual([await spares(), await subject.left(run)], [[], []]);
});

test('one that died in reserve is not used, and goes with the run that would have taken it', async (t) => {
  const { runtime, engine, item, drive, run, spares, signal } = await opened(t);
  await runtime.ready(signal);
  const [ready] = await spares();
  await engine.json('POST', `/containers/${ready?.Id}/kill`);
  assert.equal((await drive({ ...item(script('echo runs')), alone: true })).text, 'runs\n');
  await runtime.sweep({ kind: 'run', run }, signal);
  assert.deepEqual(await spares(), []);
  await runtime.ready(signal);
  const [removed] = await spares();
  await engine.json('DELETE', `/containers/${removed?.Id}`, { query: { force: true } });
  assert.equal((await drive(item(script('echo runs too')))).text, 'runs too\n');
  assert.deepEqual(await spares(), []);
});

test('a run that has nothing to run for a while keeps no container, and has another network when it goes on', async (t) => {
  const { engine, namespace, run, signal, subject, item } = await opened(t);
  const idle: (() => void)[] = [];
  const after = (ms: number, callback: () => void): (() => void) => {
    if (ms !== 10_000) return systemClock.after(ms, callback);
    idle.push(callback);
    return () => void idle.splice(idle.indexOf(callback), 1);
  };
  const runtime = dockerRuntime({ engine, namespace, env: process.env, clock: { ...systemClock, after } });
  const { drive } = newCase({ ...subject, runtime }, run, t.signal);
  const filters = labelFilter({ [label.run]: run, [label.role]: 'pause' });
  const pauses = async () => (await engine.json<readonly Listed[]>('GET', '/containers/json', { query: { filters, all: true } })).length;
  const first = item(script('true'));
  await drive(first);
  await runtime.sweep({ kind: 'attempt', run, stage: first.stage.name, attempt: first.attempt }, signal);
  assert.deepEqual([await pauses(), idle.length], [1, 1]);
  idle.shift()?.();
  while ((await pauses()) > 0) signal.throwIfAborted();
  assert.equal((await drive(item(script('echo goes on')))).text, 'goes on\n');
  assert.equal(await pauses(), 1);
  await runtime.sweep({ kind: 'run', run }, signal);
  assert.deepEqual([await subject.left(run), idle], [[], []]);
});

test('what was made ready and nobody took is removed by who says so, and by who begins anew', async (t) => {
  const { runtime, subject, spares, run, signal } = await opened(t);
  await runtime.ready(signal);
  assert.equal((await subject.another().sweep({ kind: 'spare' }, signal)).containers, 1);
  await runtime.sweep({ kind: 'spare' }, signal);
  await runtime.ready(signal);
  assert.equal((await spares()).length, 1);
  await subject.another().sweep({ kind: 'all', exceptRuns: [run] }, signal);
  assert.deepEqual(await spares(), []);
});

test('volumes of a run that an engine lost the labels of go with it, and with all runs but those that are kept', async (t) => {
  const { runtime, engine, namespace, run, signal } = await opened(t);
  const lost = (whose: string): string => `${namespace}-${whose}-work`;
  const volumes = async (): Promise<readonly string[]> => {
    const filters = JSON.stringify({ name: [namespace] });
    const { Volumes } = await engine.json<{ readonly Volumes: readonly { readonly Name: string }[] | null }>('GET', '/volumes', {
      query: { filters },
    });
    return (Volumes ?? []).map(({ Name }) => Name);
  };
  for (const whose of [run, 'run_other', 'elsewhere']) {
    await engine.json('POST', '/volumes/create', { body: { Name: lost(whose) } });
  }
  try {
    assert.equal((await runtime.sweep({ kind: 'run', run }, signal)).volumes, 1);
    await runtime.sweep({ kind: 'all', exceptRuns: ['run_other'] }, signal);
    assert.deepEqual((await volumes()).toSorted(), [lost('elsewhere'), lost('run_other')]);
    assert.equal((await runtime.sweep({ kind: 'all', exceptRuns: [run] }, signal)).volumes, 1);
  } finally {
    await engine.json('DELETE', `/volumes/${lost('elsewhere')}`);
  }
});

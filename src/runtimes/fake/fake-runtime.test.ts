import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '../../lib/virtual-clock.ts';
import { reference, stage } from '../../plan/stage.ts';
import { literals, valuesOf } from '../contract/case.contract.ts';
import { runtimeContract } from '../runtime.contract.ts';
import type { Item } from '../runtime.ts';
import { fakeRuntime, fakeWorld } from './fake-runtime.ts';

const noContainers = 'the fake has no containers';

runtimeContract(
  async () => {
    const clock = virtualClock({ whenIdle: 'run' });
    const world = fakeWorld();
    return {
      runtime: fakeRuntime({ clock, world }),
      another: () => fakeRuntime({ clock, world }),
      image: 'busybox:latest',
      left: async (run) => (world.runs().includes(run) ? [run] : []),
      close: async () => {},
    };
  },
  {
    'a shell': noContainers,
    'an image without a shell': noContainers,
    services: noContainers,
    networks: noContainers,
    limits: noContainers,
    images: noContainers,
    'built images': noContainers,
    records: noContainers,
    'a steady load': noContainers,
  },
);

const item = (env: Readonly<Record<string, string>>, name = 'stage'): Item => ({
  run: 'run_1',
  project: 'p',
  attempt: 1,
  stage: stage({ name, image: reference('any'), env: literals(env) }),
});
const { signal } = new AbortController();

test('fails where it is told to, with the code it is told', async () => {
  const runtime = fakeRuntime({ clock: virtualClock() });
  const denied = item({ FAKE_PREPARE_ERROR: 'IMAGE_DENIED' });
  await assert.rejects(
    runtime.prepare(denied, () => {}, signal),
    { code: 'IMAGE_DENIED' },
  );
  const unstartable = item({ FAKE_START_ERROR: 'CONTAINER_START_FAILED' });
  await assert.rejects(runtime.start(unstartable, valuesOf(unstartable), signal), { code: 'CONTAINER_START_FAILED' });
});

test('sleeps on the given clock, and stop ends it', async () => {
  const clock = virtualClock();
  const runtime = fakeRuntime({ clock });
  const slow = item({ FAKE_PREPARE_MS: '1000', FAKE_SLEEP_MS: '3600000' });
  const preparing = runtime.prepare(slow, () => {}, signal);
  await clock.advance(1000);
  await preparing;
  const execution = await runtime.start(slow, valuesOf(slow), signal);
  await clock.advance(3_599_999);
  assert.equal(clock.pending(), 1);
  await clock.advance(1);
  assert.deepEqual(await execution.exit, { code: 0, oom: false });
  const stopped = item({ FAKE_SLEEP_MS: '3600000' }, 'stopped');
  const other = await runtime.start(stopped, valuesOf(stopped), signal);
  await other.stop(10_000);
  assert.deepEqual(await other.exit, { code: 143, oom: false });
  assert.equal(clock.pending(), 0);
});

test('20,000 items run one after the other, and nothing of them is left', async () => {
  const runtime = fakeRuntime({ clock: virtualClock() });
  for (let i = 0; i < 20_000; i++) {
    const one = item({ FAKE_STDOUT: 'x' }, `s${i}`);
    await runtime.prepare(one, () => {}, signal);
    const execution = await runtime.start(one, { env: {}, serviceEnv: {}, files: [] }, signal);
    for await (const { bytes } of execution.logs({ stdout: 0, stderr: 0 }, signal)) assert.equal(bytes.length, 1);
    assert.equal((await execution.exit).code, 0);
    await runtime.sweep({ kind: 'attempt', run: 'run_1', stage: one.stage.name, attempt: 1 }, signal);
  }
  assert.deepEqual(await runtime.sweep({ kind: 'run', run: 'run_1' }, signal), { containers: 0, volumes: 0, networks: 0, images: 0 });
});

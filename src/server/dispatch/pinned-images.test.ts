import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { reference } from '../../plan/stage.ts';
import { passed, planOf, preparing, served, stageOf, startedNow } from './testing/served.ts';

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;
let ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends) end();
  ends = [];
});

test('what a tag of a registry meant for the first stage of a run it means for all of it, wherever it was moved: later stages, services, further attempts (atk-60)', async () => {
  const server = served();
  ends.push(server.end);
  await server.start();
  const image = { image: reference('registry.example/app:1') };
  const service = { name: 'db', image: reference('registry.example/app:1'), env: {}, privileged: false } as never;
  const local = { image: reference('built-here') };
  const run = await server.plan(
    planOf([
      stageOf('first', [], image),
      stageOf('own', [], local),
      stageOf('second', ['first', 'own'], { ...image, services: [service], retry: { attempts: 2, on: ['failed'] } }),
      stageOf('other', ['first', 'own'], local),
      stageOf('another', ['first', 'own'], { image: reference('registry.example/app:2') }),
    ]),
  );
  const claimed = await server.claim();
  for (const one of claimed) {
    const { name } = one.work.stage;
    const resolved =
      name === 'first'
        ? { reference: 'registry.example/app:1', digest: digest('a'), pulled: true, ofRegistry: true as const }
        : { reference: 'built-here:latest', digest: digest('b'), pulled: false };
    await server.tell(one, 1, [preparing(one), { kind: 'image.resolved', stage: name, attempt: 1, ...resolved }, startedNow(one)]);
    await server.tell(one, 2, [passed(one)]);
  }
  const byName = new Map((await server.claim()).map((one) => [one.work.stage.name, one]));
  const imageOf = (name: string) => byName.get(name)?.work.stage.image;
  const pinnedTo = reference(`registry.example/app:1@${digest('a')}`);
  assert.deepEqual(imageOf('second'), pinnedTo);
  assert.deepEqual(byName.get('second')?.work.stage.services[0]?.image, pinnedTo);
  assert.deepEqual(imageOf('other'), reference('built-here'));
  assert.deepEqual(imageOf('another'), reference('registry.example/app:2'));

  const second = byName.get('second') ?? assert.fail();
  await server.tell(second, 1, [
    preparing(second),
    {
      kind: 'image.resolved',
      stage: 'second',
      attempt: 1,
      reference: `registry.example/app:1@${digest('a')}`,
      digest: digest('a'),
      pulled: true,
      ofRegistry: true,
    },
    startedNow(second),
    { kind: 'stage.finished', stage: 'second', attempt: 1, outcome: 'failed', cause: { kind: 'exit', code: 1 } },
  ]);
  const [again] = await server.claim();
  assert.deepEqual([again?.work.attempt, again?.work.stage.image], [2, pinnedTo]);
  assert.equal((await server.dispatcher.state(run))?.phase, 'running');
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test, type TestContext } from 'node:test';
import { addressForContainers } from './engine.ts';
import { reachable } from './reachable.ts';
import { repository } from './repository.ts';
import { werckerFor } from './wercker-project.ts';

/** What is killed while steps run, and goes on. */
const undone: (() => Promise<void>)[] = [];
const wercker = werckerFor('crash', { after: (undo) => void undone.push(undo) });
after(async () => {
  for (const undo of undone.reverse()) await undo();
});

const skip = (await addressForContainers()) === undefined && 'the engine is elsewhere';

/** Counts who asked, and answers a request whose path has `wait` only when it is let go. */
const counter = async (t: TestContext) => {
  const hits: string[] = [];
  const waiting: (() => void)[] = [];
  const server = createServer(({ url = '' }, response) => {
    hits.push(url);
    server.emit('hit');
    if (url.startsWith('/wait')) waiting.push(() => response.end());
    else response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: await reachable(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    hits,
    hit: async (path: string): Promise<void> => {
      while (!hits.includes(path)) await once(server, 'hit');
    },
    letGo: (): void => {
      for (const go of waiting.splice(0)) go();
    },
  };
};

const lines = (step: string): string => Array.from({ length: 300 }, (_, i) => `${step} says ${i + 1}\n`).join('');

/** Steps that count themselves, and write before and after they wait. */
const textOf = (url: string): string => {
  const step = (name: string) => ({
    script: {
      name,
      code: `tell() { wget -q -O /dev/null "${url}/$1"; }
count=$((count + 1)); i=0
while [ $i -lt 150 ]; do i=$((i + 1)); echo "${name} says $i"; done
tell begin/${name}; tell wait/${name}
while [ $i -lt 300 ]; do i=$((i + 1)); echo "${name} says $i"; done
echo "${name} is number $count" >&2`,
    },
  });
  return JSON.stringify({ box: 'busybox', build: { steps: ['one', 'two', 'three'].map(step), 'after-steps': [step('last')] } });
};

for (const [moment, at] of [
  ['in the middle of a step', 'wait/two'],
  ['in the middle of an after-step', 'wait/last'],
] as const) {
  test(`cion is killed ${moment}, and resumed while the box goes on: each step runs once, its log and events are complete`, {
    skip,
  }, async (t) => {
    const server = await counter(t);
    const cwd = repository(t, { 'wercker.yml': textOf(server.url) });
    const running = wercker.start(cwd, ['build']);
    for (const name of ['one', 'two', 'three', 'last']) {
      await server.hit(`/wait/${name}`);
      if (at === `wait/${name}`) break;
      server.letGo();
    }
    running.process.kill('SIGKILL');
    await running.ended;
    const resumed = wercker.start(cwd, ['resume']);
    for (const name of ['one', 'two', 'three', 'last']) {
      await server.hit(`/wait/${name}`);
      server.letGo();
    }
    await isWhole(cwd, server.hits, await resumed.ended);
  });
}

test('cion is killed between two steps, and resumed when the box has ended without it: each step ran once, its log and events are complete', {
  skip,
}, async (t) => {
  const server = await counter(t);
  const cwd = repository(t, { 'wercker.yml': textOf(server.url) });
  const running = wercker.start(cwd, ['build']);
  await server.hit('/wait/one');
  server.letGo();
  await running.wrote('one passed');
  running.process.kill('SIGKILL');
  await running.ended;
  for (const name of ['two', 'three', 'last']) {
    await server.hit(`/wait/${name}`);
    server.letGo();
  }
  await isWhole(cwd, server.hits, await wercker.start(cwd, ['resume']).ended);
});

const isWhole = async (cwd: string, hits: readonly string[], ended: Awaited<ReturnType<typeof wercker.start>['ended']>): Promise<void> => {
  assert.equal(ended.code, 0, `${ended.stdout}${ended.stderr}`);
  const names = ['one', 'two', 'three', 'last'];
  assert.deepEqual(
    hits,
    names.flatMap((name) => [`/begin/${name}`, `/wait/${name}`]),
  );
  const { out, err } = await wercker.run(cwd, ['logs', 'last', 'build']);
  assert.equal(out, names.map(lines).join(''));
  assert.equal(err, 'one is number 1\ntwo is number 2\nthree is number 3\nlast is number 1\n');
  for (const [index, name] of names.entries()) {
    assert.equal(await wercker.logOf(cwd, { step: index === 0 ? 'script' : `script-${index + 1}` }), lines(name));
  }
  const events = await wercker.events(cwd);
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map((_, index) => index + 1),
  );
  const about = events.flatMap((event) =>
    event.kind === 'step.started' ? [`${event.step} began`] : event.kind === 'step.finished' ? [`${event.step} ${event.outcome}`] : [],
  );
  const ids = ['setup-environment', 'script', 'script-2', 'script-3', 'script-4'];
  assert.deepEqual(
    about,
    ids.flatMap((id) => [`${id} began`, `${id} passed`]),
  );
  assert.equal(events.filter(({ kind }) => kind === 'stage.queued').length, 1);
  assert.equal(wercker.left(), '');
};

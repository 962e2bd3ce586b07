import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunState } from '../../run/run-state.ts';
import { passed, planOf, preparing, serve, stageOf, startedNow } from '../dispatch/testing/served.ts';
import { keepRunObjects } from './keep-run-objects.ts';
import { newsOf } from './run-news.ts';

/** Follows the runs of a server; what is written is told as `index running`. */
const keeping = async (t: { after(undo: () => Promise<void>): void }) => {
  const server = await serve();
  const written: string[] = [];
  let isAway = false;
  let wrote = Promise.withResolvers<void>();
  const put = (what: string) => async (state: RunState) => {
    wrote.resolve();
    wrote = Promise.withResolvers();
    if (isAway) throw new Error('S3 is away');
    written.push(`${what} ${state.phase}`);
  };
  const failures: unknown[] = [];
  const { clock, dispatcher, store } = server;
  const kept = keepRunObjects({
    objects: { index: put('index'), out: put('out') },
    dispatcher,
    runs: store.runs,
    clock,
    failed: (error) => failures.push(error),
  });
  const life = new AbortController();
  const begin = (): void => {
    const ended = kept.start(life.signal);
    t.after(async () => {
      life.abort();
      await ended;
    });
  };
  return {
    ...server,
    kept,
    written,
    failures,
    begin,
    next: () => wrote.promise,
    away: (is: boolean) => {
      isAway = is;
    },
  };
};

test('the index of a run is there from its plan on, and with what it wrote when it has ended (R-DCK-104)', async (t) => {
  const it = await keeping(t);
  it.begin();
  const first = it.next();
  const run = await it.plan(planOf([stageOf('only')]));
  await first;
  assert.deepEqual(it.written, ['index running']);
  const [claimed] = await it.claim();
  assert.ok(claimed);
  await it.tell(claimed, 1, [preparing(claimed), startedNow(claimed), passed(claimed)]);
  const state = await it.state(run);
  assert.ok(state);
  for (const news of newsOf(state)) await it.kept.reader.take(news, new AbortController().signal);
  assert.deepEqual(it.written, ['index running', 'out finished', 'index finished']);
});

test('a run whose plan came before this server has its index too, and a place that is away is asked again', async (t) => {
  const it = await keeping(t);
  await it.plan(planOf([stageOf('only')]));
  it.away(true);
  const failed = it.next();
  it.begin();
  await failed;
  it.away(false);
  const again = it.next();
  while (it.written.length === 0) await it.clock.advance(1000);
  await again;
  assert.deepEqual(it.written, ['index running']);
  assert.equal(it.failures.length, 1);
});

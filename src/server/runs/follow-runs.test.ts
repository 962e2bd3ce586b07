import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Clock } from '../../lib/clock.ts';
import { sqlMarks } from '../../store/sql/marks.ts';
import { type TestDatabase, testDatabases } from '../../store/sql/testing/databases.ts';
import { passed, planOf, preparing, served, stageOf, startedNow } from '../dispatch/testing/served.ts';
import { followRuns } from './follow-runs.ts';
import type { RunNews } from './run-news.ts';

let made: TestDatabase;
before(async () => {
  const [first] = testDatabases;
  assert.ok(first);
  made = await first.make();
});
beforeEach(() => made.clear());
after(() => made.close());

const dayMs = 86_400_000;

/** A follower that goes on until the test is over; `tries` are the runs that its reader was told of, refused ones with a `!`. */
const following = async (t: { after(undo: () => Promise<void>): void }, refuses: (news: RunNews) => boolean) => {
  const it = served();
  await it.start();
  const tries: string[] = [];
  let sleeps = 0;
  let slept: () => void = () => undefined;
  const clock: Clock = {
    now: it.clock.now,
    after: (ms, callback) => {
      const stop = it.clock.after(ms, callback);
      sleeps++;
      slept();
      return stop;
    },
  };
  const follower = followRuns(
    { dispatcher: it.dispatcher, runs: it.store.runs, marks: sqlMarks(made.database), clock, failed: () => undefined },
    {
      name: 'test',
      gates: false,
      take: async (news) => {
        tries.push(refuses(news) ? `${news.number}!` : `${news.number}`);
        if (refuses(news)) throw new Error('not now');
      },
    },
  );
  /** Does something, and waits until the follower has nothing to do but to wait again. */
  const after = async (act: () => unknown): Promise<void> => {
    const before = sleeps;
    const again = new Promise<void>((resolve) => {
      slept = () => (sleeps > before ? resolve() : undefined);
    });
    await act();
    await again;
  };
  const going = new AbortController();
  let ended: Promise<void> = Promise.resolve();
  await after(() => {
    ended = follower.start(going.signal);
  });
  t.after(async () => {
    going.abort();
    await ended;
  });
  return {
    tries,
    pass: (ms: number) => after(() => it.clock.advance(ms)),
    run: () =>
      after(async () => {
        await it.plan(planOf([stageOf('only')]));
        const [claimed] = await it.claim();
        assert.ok(claimed);
        await it.tell(claimed, 1, [preparing(claimed), startedNow(claimed), passed(claimed)]);
      }),
    mark: () => sqlMarks(made.database).read('test'),
    now: it.clock.now,
  };
};

test('what a reader cannot take is tried again later, and what is new does not wait for it', async (t) => {
  let isAway = true;
  const it = await following(t, ({ number }) => number === 1 && isAway);
  await it.run();
  await it.run();
  assert.deepEqual(it.tries, ['1!', '2']);
  const stuck = await it.mark();
  await it.pass(30_000);
  assert.deepEqual(it.tries, ['1!', '2', '1!']);
  isAway = false;
  await it.pass(30_000);
  await it.run();
  assert.deepEqual(it.tries, ['1!', '2', '1!', '1', '3']);
  assert.equal(stuck, 1_000_000);
  assert.equal(await it.mark(), it.now());
});

test('while nothing can be taken, one is tried at a time, each in its turn; what is a day old is let go', async (t) => {
  const it = await following(t, () => true);
  await it.run();
  await it.run();
  await it.run();
  await it.pass(30_000);
  await it.pass(30_000);
  assert.deepEqual(it.tries, ['1!', '2!', '3!', '1!', '2!']);
  await it.pass(dayMs);
  const before = it.tries.length;
  await it.run();
  await it.pass(30_000);
  assert.deepEqual(it.tries.slice(before), ['4!', '4!']);
});

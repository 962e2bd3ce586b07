import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../lib/clock.ts';
import type { RunFact } from '../../run/run-event.ts';
import { sqlMarks } from '../../store/sql/marks.ts';
import { testDatabase } from '../../store/sql/testing/test-database.ts';
import { passed, planOf, preparing, served, stageOf, startedNow } from '../dispatch/testing/served.ts';
import { followRuns } from './follow-runs.ts';
import { newsId, type RunNews } from './run-news.ts';

const made = testDatabase();

const dayMs = 86_400_000;

type Served = ReturnType<typeof served>;
type Following = { readonly gates?: boolean; readonly before?: (it: Served) => Promise<unknown> };

/** A follower that goes on until the test is over; `tries` are the runs that its reader was told of, refused ones with a `!`. */
const following = async (
  t: { after(undo: () => Promise<void>): void },
  refuses: (news: RunNews) => boolean,
  { gates = false, before = async () => undefined }: Following = {},
) => {
  const it = served();
  await it.start();
  await before(it);
  const tries: string[] = [];
  const told: string[] = [];
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
      gates,
      take: async (news) => {
        if (gates) told.push(newsId(news));
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
    told,
    tell: (run: string, ...facts: readonly RunFact[]) => after(() => it.dispatcher.report(run, () => facts)),
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

const forked = async (it: Served): Promise<string> => {
  const trigger = { kind: 'pull-request', by: 'eve', number: 7, ref: 'refs/pull/7/head', fork: true } as const;
  const { run } = await it.dispatcher.create({ project: 'acme/app', pipeline: '', trigger });
  await it.dispatcher.report(run, () => [{ kind: 'approval.asked', commit: 'c0ffee', until: it.clock.now() + dayMs }]);
  return run;
};
const approved = (at: number): RunFact => ({ kind: 'approval.decided', decision: { kind: 'approved', by: 'ada', at } });
const cancel = { kind: 'run.cancel-requested', by: 'ada', force: true } as const;

test('a reader that asks for gates is told of what waits for approval, also of before it was there, and of the decision; another is not', async (t) => {
  await sqlMarks(made.database).move('test', 1_000_000);
  let run = '';
  const before = async (one: Served) => void (run = await forked(one));
  const it = await following(t, () => false, { gates: true, before });
  assert.deepEqual(it.told, [`${run}/approval/asked/1000000`]);
  await it.tell(run, approved(it.now()));
  assert.deepEqual(it.told.slice(1), [`${run}/approval/approved/1000000`]);
  const other = await following(t, () => false, { before });
  await other.tell(run, approved(it.now()), cancel);
  assert.deepEqual(other.tries, ['1']);
});

test('an approval of long ago is not told again with what comes of its run now', async (t) => {
  let run = '';
  const it = await following(t, () => false, {
    gates: true,
    before: async (one) => {
      run = await forked(one);
      await one.dispatcher.report(run, () => [approved(one.clock.now())]);
      await one.clock.advance(dayMs);
      await sqlMarks(made.database).move('test', one.clock.now());
    },
  });
  await it.tell(run, cancel);
  assert.deepEqual(it.told, [`${run}/finished/${it.now()}`]);
});

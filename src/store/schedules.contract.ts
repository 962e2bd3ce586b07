import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Schedule, ScheduleStore } from './schedules.ts';

const daily: Schedule = {
  id: 'one',
  project: 'ada/shop',
  cron: '0 4 * * *',
  timeZone: 'Europe/Paris',
  wants: {},
  by: 'ada',
  createdAt: 1_800_000_000_000,
  dueAt: 1_800_000_100_000,
  tryAt: 1_800_000_100_000,
};
const watching: Schedule = {
  ...daily,
  id: 'two',
  cron: '@hourly',
  wants: { ref: 'refs/heads/main', pipeline: 'build', target: 'x' },
  watch: { package: '@a/b', registry: 'https://registry.npmjs.org/', tag: 'latest', token: 'sealed' },
  tryAt: 1_800_000_200_000,
  version: '1.0.0',
  note: { at: 1_800_000_000_000, text: 'It is 1.0.0.' },
};

/** What every ScheduleStore does; `make` gives an empty one. */
export const scheduleStoreContract = (make: () => Promise<ScheduleStore>): void => {
  it('gives schedules back as they were added, those of one project in their order', async () => {
    const store = await make();
    await store.add(watching);
    await store.add(daily);
    await store.add({ ...daily, id: 'three', project: 'ada/other' });
    assert.deepEqual(await store.list('ada/shop'), [watching, daily]);
    assert.deepEqual(await store.list('ada'), []);
  });

  it('knows which are due, the earliest to be tried first, those that watch a package apart', async () => {
    const store = await make();
    await store.add(watching);
    await store.add(daily);
    const later: Schedule = { ...daily, id: 'three', tryAt: daily.tryAt + 1 };
    await store.add(later);
    assert.deepEqual(await store.due('times', daily.tryAt - 1, 10), []);
    assert.deepEqual(await store.due('times', daily.tryAt, 10), [daily]);
    assert.deepEqual(await store.due('times', watching.tryAt, 10), [daily, later]);
    assert.deepEqual(await store.due('times', watching.tryAt, 1), [daily]);
    assert.deepEqual(await store.due('watches', watching.tryAt - 1, 10), []);
    assert.deepEqual(await store.due('watches', watching.tryAt, 10), [watching]);
  });

  it('is moved on by one of those who saw the same', async () => {
    const store = await make();
    await store.add(watching);
    const to = { dueAt: 1_800_000_300_000, tryAt: 1_800_000_300_000 };
    const moved = await Promise.all(Array.from({ length: 5 }, () => store.move(watching, to)));
    assert.equal(moved.filter(Boolean).length, 1);
    const { version: _version, note: _note, ...rest } = watching;
    assert.deepEqual(await store.list('ada/shop'), [{ ...rest, ...to }]);
    assert.equal(await store.move({ ...watching, id: 'gone' }, to), false);
  });

  it('is paused once, is not due meanwhile, and goes on at the time that it is given, without the version that was seen before', async () => {
    const store = await make();
    const pausedDaily: Schedule = { ...daily, id: 'three', paused: { at: 1_800_000_000_001, by: 'bob' } };
    await store.add(watching);
    await store.add(daily);
    await store.add(pausedDaily);
    const paused = { at: 1_800_000_150_000, by: 'ada' };
    assert.equal(await store.resume('ada/shop', 'two', 1), false);
    const answers = await Promise.all(Array.from({ length: 5 }, () => store.pause('ada/shop', 'two', paused)));
    assert.equal(answers.filter(Boolean).length, 1);
    assert.equal(await store.pause('ada/other', 'one', paused), false);
    assert.equal(await store.pause('ada/shop', 'gone', paused), false);
    assert.deepEqual(await store.list('ada/shop'), [{ ...watching, paused }, daily, pausedDaily]);
    const due = async (until: number) => [...(await store.due('watches', until, 10)), ...(await store.due('times', until, 10))];
    assert.deepEqual(await due(Number.MAX_SAFE_INTEGER), [daily]);

    const dueAt = 1_800_000_900_000;
    assert.equal(await store.resume('ada/other', 'two', dueAt), false);
    assert.equal(await store.resume('ada/shop', 'two', dueAt), true);
    assert.equal(await store.resume('ada/shop', 'two', dueAt + 1), false);
    const { version: _version, ...rest } = watching;
    assert.deepEqual(await store.list('ada/shop'), [{ ...rest, dueAt, tryAt: dueAt }, daily, pausedDaily]);
    assert.deepEqual(
      (await due(dueAt)).map(({ id }) => id),
      ['two', 'one'],
    );
  });

  it('says whether one still stands as it was seen', async () => {
    const store = await make();
    await store.add(daily);
    assert.equal(await store.stands(daily), true);
    await store.pause('ada/shop', 'one', { at: 1, by: 'ada' });
    assert.equal(await store.stands(daily), false);
    await store.resume('ada/shop', 'one', daily.dueAt);
    assert.equal(await store.stands(daily), true);
    await store.move(daily, { dueAt: daily.dueAt + 1, tryAt: daily.dueAt + 1 });
    assert.equal(await store.stands(daily), false);
    await store.remove('ada/shop', 'one');
    assert.equal(await store.stands(daily), false);
  });

  it('removes one of a project, or all of it, and nothing of another', async () => {
    const store = await make();
    await store.add(daily);
    await store.add(watching);
    await store.add({ ...daily, id: 'three', project: 'ada/other' });
    assert.equal(await store.remove('ada/other', 'one'), false);
    assert.equal(await store.remove('ada/shop', 'one'), true);
    assert.equal(await store.remove('ada/shop', 'one'), false);
    assert.deepEqual(await store.list('ada/shop'), [watching]);
    assert.equal(await store.remove('ada/shop'), true);
    assert.deepEqual(await store.list('ada/shop'), []);
    assert.equal((await store.list('ada/other')).length, 1);
  });
};

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { beforeEach, test } from 'node:test';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { virtualClock } from '../../lib/virtual-clock.ts';
import { sealerOf } from '../../secrets/sealer.ts';
import type { Schedule, ScheduleStore } from '../../store/schedules.ts';
import { sqlSchedules } from '../../store/sql/schedules.ts';
import { testDatabase } from '../../store/sql/testing/test-database.ts';
import { allowedAddresses } from '../outgoing/allowed-addresses.ts';
import { outgoing } from '../outgoing/outgoing.ts';
import { webServer } from '../outgoing/testing/web-server.ts';
import { begunRuns } from '../runs/testing/begun-runs.ts';
import { untilIdle } from '../testing/until-idle.ts';
import { latestVersion } from './latest-version.ts';
import { nextTime } from './next-time.ts';
import { scheduleContext, timers, type TimersDeps } from './timers.ts';

const hour = 3_600_000;
const start = Date.parse('2026-11-21T00:00:00Z');
const sealer = sealerOf([randomBytes(32)]);

const made = testDatabase();
let schedules: ScheduleStore;
beforeEach(() => {
  schedules = sqlSchedules(made.database);
});

const nightly = (more: Partial<Schedule> = {}): Schedule => {
  const cron = more.cron ?? '0 4 * * *';
  const dueAt = nextTime({ cron, timeZone: 'UTC' }, start);
  return { id: 's1', project: 'ada/shop', cron, timeZone: 'UTC', wants: {}, by: 'ada', createdAt: start, dueAt, tryAt: dueAt, ...more };
};
const only = async (): Promise<Schedule> => {
  const [one] = await schedules.list('ada/shop');
  assert.ok(one);
  return one;
};
const setUp = (more: Partial<TimersDeps> = {}) => {
  const begun = begunRuns();
  const failures: unknown[] = [];
  const make = (clock: Clock, what: 'times' | 'watches' = 'times') =>
    timers(
      {
        schedules,
        beginRun: begun.beginRun,
        latestVersion: () => Promise.reject(new Error('nobody asked')),
        sealer,
        clock,
        failed: (error) => void failures.push(error),
        ...more,
      },
      what,
    );
  const at = async (now: number): Promise<void> => {
    for (const what of ['times', 'watches'] as const) await untilIdle(now, (clock) => make(clock, what));
  };
  return { begun, failures, make, at };
};

test('a schedule begins a run of what it names when its time has come, by the clock that is passed in, and goes on (R-DCK-89)', async () => {
  const { begun, make } = setUp();
  await schedules.add(nightly({ wants: { ref: 'refs/heads/main', pipeline: 'build', target: 'all' } }));
  const clock = virtualClock({ startAt: start });
  let slept = Promise.withResolvers<void>();
  const seen: Clock = {
    now: clock.now,
    after: (ms, callback) => {
      slept.resolve();
      return clock.after(ms, callback);
    },
  };
  const going = new AbortController();
  const ended = make(seen).start(going.signal);
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 60_000) {
      await slept.promise;
      slept = Promise.withResolvers();
      await clock.advance(60_000);
    }
    await slept.promise;
  };
  await pass(4 * hour - 60_000);
  assert.deepEqual(begun.requests, []);
  await pass(60_000);
  const dueAt = start + 4 * hour;
  assert.deepEqual(begun.requests, [
    {
      project: 'ada/shop',
      ref: 'refs/heads/main',
      pipeline: 'build',
      target: 'all',
      trigger: { kind: 'schedule', by: 'ada', schedule: '0 4 * * *', at: dueAt },
      once: `schedule/s1/${dueAt}`,
    },
  ]);
  going.abort();
  await ended;
  const { dueAt: nextAt, note } = await only();
  assert.equal(nextAt, dueAt + 24 * hour);
  assert.deepEqual(note, { at: dueAt, text: 'run_1 began.' });
});

test('a server that was down makes one run for all that it missed (R-DCK-89)', async () => {
  const { begun, at } = setUp();
  await schedules.add(nightly({ cron: '*/5 * * * *' }));
  await at(start + 7 * hour + 1);
  assert.deepEqual(
    begun.requests.map(({ once }) => once),
    [`schedule/s1/${start + 300_000}`],
  );
  assert.equal((await only()).dueAt, start + 7 * hour + 300_000);
  await at(start + 7 * hour + 299_999);
  assert.equal(begun.requests.length, 1);
  await at(start + 7 * hour + 300_000);
  assert.equal(begun.requests.length, 2);
});

test('a schedule that is paused begins nothing, and what it missed is not begun when it goes on (R-DCK-89)', async () => {
  const { begun, at } = setUp();
  await schedules.add(nightly());
  await schedules.pause('ada/shop', 's1', { at: start, by: 'ada' });
  for (const days of [0, 1, 2]) await at(start + days * 24 * hour + 4 * hour);
  assert.deepEqual(begun.requests, []);
  const next = start + 76 * hour;
  await schedules.resume('ada/shop', 's1', next);
  await at(next - 1);
  assert.deepEqual(begun.requests, []);
  await at(next);
  assert.deepEqual(
    begun.requests.map(({ once }) => once),
    [`schedule/s1/${next}`],
  );
});

test('a package that changed while its schedule was paused, or while it was being asked about, begins no run (R-DCK-90)', async () => {
  let version = '1.0.0';
  let meanwhile = async (): Promise<unknown> => undefined;
  const { begun, at } = setUp({
    latestVersion: async () => {
      await meanwhile();
      return version;
    },
  });
  await schedules.add(nightly({ cron: '@hourly', watch: { package: 'dep', registry: 'https://npm.example.org/', tag: 'latest' } }));
  const timer = async (now: string): Promise<number> => {
    version = now;
    await at((await only()).tryAt);
    return begun.requests.length;
  };
  const paused = { at: start, by: 'ada' };
  assert.equal(await timer('1.0.0'), 0);
  meanwhile = () => schedules.pause('ada/shop', 's1', paused);
  assert.equal(await timer('1.1.0'), 0);
  assert.deepEqual((await only()).paused, paused);

  meanwhile = async () => undefined;
  version = '1.2.0';
  await schedules.resume('ada/shop', 's1', start + 48 * hour);
  assert.equal(await timer('1.2.0'), 0);
  assert.equal(await timer('1.3.0'), 1);
  assert.equal(begun.requests[0]?.variables?.['CION_PACKAGE_OLD_VERSION'], '1.2.0');
});

test('a stop does not wait for a registry that never answers, and the next server asks it (R-DCK-90)', async (t) => {
  const registry = await webServer(t, () => new Promise(() => undefined));
  const { make, failures } = setUp({
    latestVersion: latestVersion(outgoing({ allowed: allowedAddresses(['127.0.0.1']), clock: systemClock }), systemClock),
  });
  await schedules.add(nightly({ watch: { package: 'dep', registry: registry.url, tag: 'latest' } }));
  const before = await only();
  const going = new AbortController();
  const ended = make(virtualClock({ startAt: before.tryAt }), 'watches').start(going.signal);
  await registry.came(1);
  const began = performance.now();
  going.abort();
  await ended;
  assert.ok(performance.now() - began < 5000);
  assert.deepEqual([await only(), failures], [before, []]);
});

test('a registry that does not answer holds up no schedule that asks nobody (R-DCK-89)', async (t) => {
  const registry = await webServer(t, () => new Promise(() => undefined));
  const { make, begun } = setUp({
    latestVersion: latestVersion(outgoing({ allowed: allowedAddresses(['127.0.0.1']), clock: systemClock }), systemClock),
  });
  const watch = { package: 'dep', registry: registry.url, tag: 'latest' };
  for (let n = 0; n < 40; n++) await schedules.add(nightly({ id: `w${n}`, project: 'eve/slow', watch }));
  const { tryAt } = nightly();
  await schedules.add(nightly({ tryAt: tryAt + 1 }));
  const going = new AbortController();
  const ended = Promise.all(
    (['watches', 'times'] as const).map((what) => make(virtualClock({ startAt: tryAt + 1 }), what).start(going.signal)),
  );
  await registry.came(16);
  await begun.came(1);
  going.abort();
  await ended;
});

test('two servers at once, and one that died before it could say that a run began, make one run', async () => {
  const { begun, at } = setUp();
  await schedules.add(nightly());
  const due = start + 4 * hour;
  await Promise.all([at(due), at(due), at(due)]);
  assert.equal(begun.requests.length, 1);
  await schedules.move(await only(), { dueAt: due, tryAt: due });
  await at(due + 1);
  assert.equal(begun.requests.length, 1);
  assert.equal((await only()).dueAt, due + 24 * hour);
});

test('what cannot begin is tried again, less and less often, for the same time, and given up after a day; another goes on meanwhile', async () => {
  const { begun, at, failures } = setUp();
  await schedules.add(nightly());
  await schedules.add(nightly({ id: 's2', project: 'ada/other' }));
  begun.before(({ project }) => {
    if (project === 'ada/shop') throw Object.assign(new Error('the database is away.'), { code: 'STORE_UNAVAILABLE' });
  });
  const due = start + 4 * hour;
  await at(due);
  assert.deepEqual(
    begun.requests.map(({ project }) => project),
    ['ada/other'],
  );
  assert.deepEqual((await only()).note, { at: due, text: 'No run could begin: the database is away.' });
  const tries: number[] = [];
  for (let { tryAt } = await only(); (await only()).dueAt === due; { tryAt } = await only()) {
    tries.push((tryAt - due) / 60_000);
    await at(tryAt);
  }
  assert.deepEqual(tries.slice(0, 8), [1, 2, 4, 8, 16, 32, 64, 124]);
  assert.ok(tries.length < 40);
  assert.ok((tries.at(-1) ?? 0) > 24 * 60);
  assert.equal(failures.length, tries.length + 1);
  begun.before(() => undefined);
  const again = await only();
  await at(again.tryAt);
  assert.ok(begun.requests.some(({ once }) => once === `schedule/s1/${again.dueAt}`));
});

test('a project that is gone is not tried again before the next time, and words of strangers are not told', async () => {
  const { begun, at } = setUp();
  await schedules.add(nightly());
  begun.before(() => {
    throw Object.assign(new Error('There is no project.'), { code: 'PROJECT_UNKNOWN' });
  });
  await at(start + 4 * hour);
  assert.equal((await only()).tryAt, start + 28 * hour);
  begun.before(() => {
    throw new Error('connect to postgres://ada:hunter2@db');
  });
  await at(start + 28 * hour);
  assert.equal((await only()).note?.text, 'No run could begin: the server could not do it; its log says why.');
});

test('a watched package begins no run when it is seen first, none while it is unchanged or unreadable, and one for each version (R-DCK-90)', async () => {
  let version: string | Error = '1.0.0';
  const asked: unknown[] = [];
  const { begun, at } = setUp({
    latestVersion: async (watch, token) => {
      asked.push([watch.package, token]);
      if (version instanceof Error) throw version;
      return version;
    },
  });
  const token = sealer.seal('of-the-registry', scheduleContext('ada/shop', 's1'));
  const watch = { package: '@ada/dep', registry: 'https://npm.example.org/', tag: 'latest', token };
  await schedules.add(nightly({ cron: '@hourly', watch }));
  const timer = async (now: string | Error): Promise<number> => {
    version = now;
    await at((await only()).tryAt);
    return begun.requests.length;
  };
  assert.equal(await timer('1.0.0'), 0);
  assert.equal(await timer('1.0.0'), 0);
  assert.equal(await timer(Object.assign(new Error('npm.example.org answered 500'), { code: 'PACKAGE_UNREADABLE' })), 0);
  assert.equal((await only()).note?.text, 'The version could not be read: npm.example.org answered 500.');
  assert.equal(await timer('1.1.0'), 1);
  assert.deepEqual(begun.requests[0], {
    project: 'ada/shop',
    trigger: { kind: 'package', by: 'npm.example.org', package: '@ada/dep', oldVersion: '1.0.0', newVersion: '1.1.0' },
    once: 'package/s1/1.1.0',
    variables: { CION_PACKAGE_NAME: '@ada/dep', CION_PACKAGE_OLD_VERSION: '1.0.0', CION_PACKAGE_NEW_VERSION: '1.1.0' },
  });
  assert.equal(await timer('1.1.0'), 1);
  assert.equal(await timer('1.0.0'), 2);
  assert.equal(await timer('1.1.0'), 2);
  assert.equal((await only()).version, '1.1.0');
  assert.deepEqual(asked[0], ['@ada/dep', 'of-the-registry']);
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { sealerOf } from '../../secrets/sealer.ts';
import { sqlSchedules } from '../../store/sql/schedules.ts';
import { testDatabase } from '../../store/sql/testing/test-database.ts';
import { sqlProjects } from '../../store/sql/projects.ts';
import { sqlUpstreams } from '../../store/sql/upstreams.ts';
import { routeApp } from '../testing/route-app.ts';
import { scheduleContext } from './timers.ts';
import { triggersPlugin } from './triggers-plugin.ts';

const now = Date.parse('2026-11-21T00:00:00Z');
const sealer = sealerOf([randomBytes(32)]);

const made = testDatabase();

const rights = {
  ada: { 'ada/shop': ['read', 'settings'], 'ada/library': ['read', 'settings'], 'ada/tools': ['read'] },
  bob: { 'ada/shop': ['read'] },
  eve: {},
} as const;
const routes = async (refs: Readonly<Record<string, boolean>> = {}) => {
  const schedules = sqlSchedules(made.database);
  let woken = 0;
  let passed = 0;
  const it = await routeApp(rights, (given) => [
    triggersPlugin({
      ...given,
      schedules,
      projects: sqlProjects(made.database),
      upstreams: sqlUpstreams(made.database),
      hasRef: async (project, ref) => refs[`${project} ${ref}`],
      changed: () => void woken++,
      sealer,
      clock: { now: () => now + passed },
    }),
  ]);
  return { ...it, schedules, woken: () => woken, pass: (ms: number) => void (passed += ms) };
};
const base = '/api/projects/ada/shop';

test('a schedule is added, shown with its next time and removed, by who may change settings, and each change is in the audit', async () => {
  const it = await routes();
  const added = await it.ask('ada', 'POST', `${base}/schedules`, {
    cron: '0 4 * * *',
    timeZone: 'Europe/Paris',
    wants: { pipeline: 'nightly' },
  });
  assert.equal(added.status, 201);
  assert.equal(it.woken(), 1);
  const { id } = added.body as { id: string };
  assert.deepEqual((await it.ask('ada', 'GET', `${base}/schedules`)).body, [
    {
      id,
      cron: '0 4 * * *',
      timeZone: 'Europe/Paris',
      wants: { pipeline: 'nightly' },
      by: 'ada',
      createdAt: now,
      dueAt: Date.parse('2026-11-21T03:00:00Z'),
    },
  ]);
  assert.equal((await it.ask('ada', 'DELETE', `${base}/schedules/${id}`)).status, 204);
  assert.equal((await it.ask('ada', 'DELETE', `${base}/schedules/${id}`)).status, 404);
  assert.deepEqual((await it.ask('ada', 'GET', `${base}/schedules`)).body, []);
  assert.deepEqual(
    it.audit.map(({ action, outcome }) => `${action} ${outcome}`),
    ['schedule.add done', 'schedule.remove done'],
  );
});

test('a schedule is paused and goes on at its first time after now, each change is in the audit once, and what is so already is left alone (R-DCK-89)', async () => {
  const it = await routes();
  const { id } = (await it.ask('ada', 'POST', `${base}/schedules`, { cron: '0 4 * * *' })).body as { id: string };
  const change = async (isPaused: boolean) => {
    const { status, body } = await it.ask('ada', 'PATCH', `${base}/schedules/${id}`, { isPaused });
    assert.equal(status, 200);
    return body as { dueAt: number; paused?: object };
  };
  const listed = async () => ((await it.ask('ada', 'GET', `${base}/schedules`)).body as object[])[0];
  const dueAt = Date.parse('2026-11-21T04:00:00Z');

  it.pass(60_000);
  assert.deepEqual((await change(false)).dueAt, dueAt);
  const paused = { at: now + 60_000, by: 'ada' };
  assert.deepEqual((await change(true)).paused, paused);
  it.pass(3 * 86_400_000);
  assert.deepEqual((await change(true)).paused, paused, 'it says since when it is');
  assert.deepEqual(await listed(), { id, cron: '0 4 * * *', timeZone: 'UTC', wants: {}, by: 'ada', createdAt: now, dueAt, paused });
  assert.deepEqual(await it.schedules.due('times', Number.MAX_SAFE_INTEGER, 1), []);

  const resumed = await change(false);
  assert.deepEqual([resumed.dueAt, resumed.paused], [dueAt + 3 * 86_400_000, undefined]);
  assert.deepEqual(await listed(), resumed);
  const [kept] = await it.schedules.list('ada/shop');
  assert.equal(kept?.tryAt, resumed.dueAt);
  assert.deepEqual(
    it.audit.map(({ action, detail }) => [action, detail['id']]),
    ['schedule.add', 'schedule.pause', 'schedule.resume'].map((action) => [action, id]),
  );
  assert.equal(it.woken(), 3);
  assert.equal((await it.ask('ada', 'PATCH', `${base}/schedules/x`, { isPaused: true })).status, 404);
  for (const body of [{}, { isPaused: 'yes' }, { isPaused: true, cron: '@daily' }]) {
    assert.equal((await it.ask('ada', 'PATCH', `${base}/schedules/${id}`, body)).status, 400);
  }
});

test('the token of a watched registry is sealed for this schedule alone and never shown', async () => {
  const it = await routes();
  const watch = { package: '@ada/dep', registry: 'https://npm.example.org/private', token: 'hunter2-token' };
  const added = await it.ask('ada', 'POST', `${base}/schedules`, { cron: '@daily', watch });
  const listed = await it.ask('ada', 'GET', `${base}/schedules`);
  assert.doesNotMatch(added.text + listed.text + JSON.stringify(it.audit), /hunter2/);
  const [row] = listed.body as { watch: object }[];
  assert.deepEqual(row?.watch, { package: '@ada/dep', registry: 'https://npm.example.org/private/', tag: 'latest', hasToken: true });
  const [kept] = await it.schedules.list('ada/shop');
  assert.ok(kept?.watch?.token);
  assert.doesNotMatch(JSON.stringify(kept), /hunter2/);
  assert.equal(sealer.open(kept.watch.token, scheduleContext('ada/shop', kept.id)).toString(), 'hunter2-token');
  assert.throws(() => sealer.open(kept.watch?.token ?? '', scheduleContext('ada/other', kept.id)));
});

test('what is no schedule, no package, no registry or more than a minute can hold is refused with a reason (atk-55)', async () => {
  const it = await routes();
  const cases: readonly (readonly [object, string])[] = [
    [{ cron: '* * * * * *' }, 'SCHEDULE_INVALID'],
    [{ cron: '@secondly' }, 'SCHEDULE_INVALID'],
    [{ cron: '@daily', timeZone: 'Mars/Base' }, 'SCHEDULE_INVALID'],
    [{ cron: '@daily', watch: { package: '../x' } }, 'SCHEDULE_INVALID'],
    [{ cron: '@daily', watch: { package: 'x', registry: 'file:///etc/passwd' } }, 'ADDRESS_REFUSED'],
    [{ cron: '@daily', watch: { package: 'x', registry: 'https://ada:hunter2@npm.example.org/' } }, 'ADDRESS_REFUSED'],
    [{ cron: '@daily', wants: { ref: '--upload-pack=x' } }, 'FST_ERR_VALIDATION'],
    [{ cron: '@daily', more: 1 }, 'FST_ERR_VALIDATION'],
  ];
  for (const [body, code] of cases) {
    const answer = await it.ask('ada', 'POST', `${base}/schedules`, body);
    assert.equal(answer.status, 400, JSON.stringify(body));
    assert.equal((answer.body as { code: string }).code, code);
    assert.doesNotMatch(answer.text, /hunter2/);
  }
  assert.deepEqual(await it.schedules.list('ada/shop'), []);
});

test('a schedule and an upstream of a branch or tag that is not in the repository are refused; where nobody can say it, they are added', async () => {
  const it = await routes({ 'ada/shop refs/heads/gone': false, 'ada/shop refs/tags/v1': false, 'ada/shop refs/heads/next': true });
  const add = async (path: string, body: object) => {
    const answer = await it.ask('ada', 'POST', `${base}/${path}`, body);
    return answer.status === 201 ? 'added' : [answer.status, (answer.body as { message: string }).message];
  };
  for (const [path, body] of [
    ['schedules', { cron: '@daily' }],
    ['upstreams', { after: { project: 'ada/library' } }],
  ] as const) {
    const wanting = (ref: string) => add(path, { ...body, wants: { ref } });
    assert.deepEqual(await wanting('refs/heads/gone'), [409, 'The repository of ada/shop has no branch gone.']);
    assert.deepEqual(await wanting('refs/tags/v1'), [409, 'The repository of ada/shop has no tag v1.']);
    assert.deepEqual(
      [await wanting('refs/heads/next'), await wanting('refs/heads/unheard-of'), await add(path, body)],
      Array(3).fill('added'),
    );
  }
});

test('an upstream has to be one that who adds it may see; nobody learns of others (atk-64)', async () => {
  const it = await routes();
  const add = (after: object) => it.ask('ada', 'POST', `${base}/upstreams`, { after });
  assert.equal((await add({ project: 'ada/library', pipeline: 'build', branch: 'main' })).status, 201);
  assert.equal((await add({ project: 'ada/tools/cli' })).status, 404, 'a group of groups is a name, too');
  assert.equal((await add({ project: 'ada/../eve/secret' })).status, 400);
  const hidden = await add({ project: 'eve/secret' });
  const missing = await add({ project: 'eve/nothing' });
  assert.deepEqual([hidden.status, hidden.text.replace('secret', '')], [404, missing.text.replace('nothing', '')]);
  const listed = (await it.ask('ada', 'GET', `${base}/upstreams`)).body as { id: string; after: object }[];
  assert.deepEqual(
    listed.map(({ after }) => after),
    [{ project: 'ada/library', pipeline: 'build', branch: 'main' }],
  );
  assert.equal((await it.ask('ada', 'DELETE', `${base}/upstreams/${listed[0]?.id}`)).status, 204);
  assert.deepEqual((await it.ask('ada', 'GET', `${base}/upstreams`)).body, []);
});

test('an upstream that would lead back to its own project is refused with the way round, in which nobody learns of others (atk-64, atk-78)', async () => {
  const it = await routes();
  const add = async (project: string, after: string, wants = {}) => {
    const answer = await it.ask('ada', 'POST', `/api/projects/${project}/upstreams`, { after: { project: after }, wants });
    return answer.status === 201 ? 'added' : [answer.status, (answer.body as { code: string; message: string }).message];
  };
  assert.deepEqual(await add('ada/shop', 'ada/shop'), [409, 'ada/shop would come after itself: ada/shop → ada/shop.']);
  assert.equal(await add('ada/library', 'ada/shop', { pipeline: 'build' }), 'added');
  const hidden = { id: 'hidden', project: 'eve/secret', after: { project: 'ada/library' }, wants: {}, by: 'eve', createdAt: now };
  await sqlUpstreams(made.database).add(hidden);
  const back = 'ada/shop would come after itself: ada/shop → ada/library/build → ada/shop.';
  assert.deepEqual(await add('ada/shop', 'ada/library'), [409, back]);
  await sqlUpstreams(made.database).add({ ...hidden, id: 'further', project: 'ada/tools', after: { project: 'eve/secret' } });
  const round = 'ada/shop would come after itself: ada/shop → ada/library/build → a project that you may not see → ada/tools → ada/shop.';
  assert.deepEqual(await add('ada/shop', 'ada/tools'), [409, round]);
  assert.deepEqual((await it.ask('ada', 'GET', `${base}/upstreams`)).body, []);
});

test('who may not change settings neither sees nor changes anything', async () => {
  const it = await routes();
  for (const [who, status] of [
    ['bob', 403],
    ['eve', 404],
  ] as const) {
    for (const path of ['schedules', 'upstreams']) {
      assert.equal((await it.ask(who, 'GET', `${base}/${path}`)).status, status);
      const body = path === 'schedules' ? { cron: '@daily' } : { after: { project: 'ada/shop' } };
      assert.equal((await it.ask(who, 'POST', `${base}/${path}`, body)).status, status);
      assert.equal((await it.ask(who, 'DELETE', `${base}/${path}/x`)).status, status);
      if (path === 'schedules') assert.equal((await it.ask(who, 'PATCH', `${base}/${path}/x`, { isPaused: true })).status, status);
    }
  }
  assert.deepEqual(await it.schedules.list('ada/shop'), []);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routeApp } from '../testing/route-app.ts';
import { notificationsPlugin } from './notifications-plugin.ts';
import { openTarget } from './target.ts';
import { letterStore } from './testing/letter-store.ts';

const store = letterStore();

const routes = async ({ hasMail = true } = {}) => {
  let [written, passed] = [0, 0];
  const { subscriptions, outbox, sealer } = store;
  const it = await routeApp({ ada: { 'ada/shop': ['read', 'settings'] }, bob: { 'ada/shop': ['read'] } }, (given) => [
    notificationsPlugin({
      ...given,
      subscriptions,
      outbox,
      written: () => void written++,
      hasMail,
      sealer,
      clock: { now: () => 1_800_000_000_000 + passed },
    }),
  ]);
  return { ...it, subscriptions, outbox, written: () => written, pass: (ms: number) => void (passed += ms) };
};
const base = '/api/projects/ada/shop/subscriptions';
const defaults = { results: true, outcomes: [], branches: [], environments: [], gates: true };

test('a subscription is added and removed; its address and secret are sealed, and the secret is shown once', async () => {
  const it = await routes();
  const url = 'https://hooks.example.org/hunter2?key=hunter2';
  const added = await it.ask('ada', 'POST', base, { target: { way: 'http', url }, wants: { outcomes: ['failed'] } });
  assert.equal(added.status, 201);
  const { id, secret } = added.body as { id: string; secret: string };
  assert.match(secret, /^[\w-]{43}$/);
  const listed = await it.ask('ada', 'GET', base);
  assert.deepEqual(listed.body, [
    { id, way: 'http', place: 'hooks.example.org', wants: { ...defaults, outcomes: ['failed'] }, by: 'ada', createdAt: 1_800_000_000_000 },
  ]);
  const [kept] = await it.subscriptions.list('ada/shop');
  assert.ok(kept);
  for (const hidden of ['hunter2', secret]) assert.ok(!JSON.stringify([listed.text, kept, it.audit]).includes(hidden));
  assert.deepEqual(openTarget(store.sealer, kept), { way: 'http', url, secret });
  assert.equal((await it.ask('ada', 'DELETE', `${base}/${id}`)).status, 204);
  assert.deepEqual((await it.ask('ada', 'GET', base)).body, []);
});

test('Slack and mail are added without a secret of ours, and letters show how they went', async () => {
  const it = await routes();
  const slack = (await it.ask('ada', 'POST', base, { target: { way: 'slack', url: 'https://hooks.slack.com/services/T/B/x' } })).body;
  const mail = (await it.ask('ada', 'POST', base, { target: { way: 'mail', to: ['ada@example.org', 'bob@example.org'] } })).body;
  const { id } = slack as { id: string };
  assert.deepEqual(Object.keys({ ...(slack as object), ...(mail as object) }), ['id']);
  const places = ((await it.ask('ada', 'GET', base)).body as { place: string }[]).map(({ place }) => place);
  assert.deepEqual(places, ['hooks.slack.com', '2 addresses']);
  await it.outbox.put([{ id: 'l1', subscription: id, event: 'run_1/finished/1', body: { text: 'hidden' }, createdAt: 5 }]);
  await it.outbox.move('l1', { state: 'waiting', tryAt: 9, attempts: 1, note: 'it answered 500.' });
  assert.deepEqual((await it.ask('ada', 'GET', `${base}/${id}/letters`)).body, [
    { id: 'l1', event: 'run_1/finished/1', state: 'waiting', createdAt: 5, tryAt: 9, attempts: 1, note: 'it answered 500.' },
  ]);
  assert.equal((await it.ask('ada', 'GET', `${base}/other/letters`)).status, 404);
});

test('a test is a letter in the outbox that says whose it is, of which subscription and when, and nothing that is sealed; it is in the audit', async () => {
  const it = await routes();
  const url = 'https://hooks.example.org/hunter2?key=hunter2';
  const wants = { results: false, branches: ['none'] };
  const { id, secret } = (await it.ask('ada', 'POST', base, { target: { way: 'http', url }, wants })).body as {
    id: string;
    secret: string;
  };
  const tested = await it.ask('ada', 'POST', `${base}/${id}/test`);
  assert.equal(tested.status, 201);
  assert.equal(it.written(), 1);
  const letter = (tested.body as { id: string }).id;
  const at = 1_800_000_000_000;
  assert.deepEqual((await it.ask('ada', 'GET', `${base}/${id}/letters`)).body, [
    { id: letter, event: `test/${letter}`, state: 'waiting', createdAt: at, tryAt: at, attempts: 0 },
  ]);
  const [kept] = await it.outbox.due(at, 10);
  assert.deepEqual(kept?.body, { event: 'subscription.tested', project: 'ada/shop', subscription: id, at, by: 'ada' });
  assert.deepEqual(it.audit.at(-1)?.detail, { id, letter });
  assert.equal(it.audit.at(-1)?.action, 'subscription.test');
  for (const hidden of ['hunter2', secret]) assert.ok(!JSON.stringify([tested.text, kept?.body, it.audit]).includes(hidden));
});

test('nobody has more than a few tests sent to others in ten minutes, all at once or one by one; other subscriptions have their own', async () => {
  const it = await routes();
  const add = async () =>
    ((await it.ask('ada', 'POST', base, { target: { way: 'mail', to: ['eve@example.org'] } })).body as { id: string }).id;
  const [one, other] = [await add(), await add()];
  const ask = (id: string) => it.ask('ada', 'POST', `${base}/${id}/test`);
  const answers = await Promise.all(Array.from({ length: 9 }, () => ask(one)));
  assert.deepEqual(
    answers.map(({ status }) => status).sort((a, b) => a - b),
    [...Array(5).fill(201), ...Array(4).fill(429)],
  );
  assert.equal(((await ask(one)).body as { code: string }).code, 'TEST_LIMIT');
  assert.equal((await ask(other)).status, 201);
  it.pass(10 * 60_000);
  assert.equal((await ask(one)).status, 201);
  assert.equal((await it.outbox.list(one, 100)).length, 6);
});

test('what is no web address or no mail address, and mail where there is no mail server, is refused (atk-68)', async () => {
  const it = await routes();
  const targets = [
    { way: 'http', url: 'file:///etc/passwd' },
    { way: 'slack', url: 'https://ada:hunter2@hooks.slack.com/' },
    { way: 'mail', to: ['ada@example.org\r\nBcc: all@example.org'] },
    { way: 'mail', to: ['Ada <ada@example.org>, all@example.org'] },
    { way: 'mail', to: [] },
    { way: 'mail', to: Array.from({ length: 21 }, (_, n) => `a${n}@example.org`) },
  ];
  for (const target of targets) {
    const answer = await it.ask('ada', 'POST', base, { target });
    assert.equal(answer.status, 400, JSON.stringify(target));
    assert.doesNotMatch(answer.text, /hunter2/);
  }
  const without = await routes({ hasMail: false });
  assert.equal((await without.ask('ada', 'POST', base, { target: { way: 'mail', to: ['ada@example.org'] } })).status, 409);
  assert.deepEqual(await it.subscriptions.list('ada/shop'), []);
});

test('who may not change settings neither sees nor changes who is told', async () => {
  const it = await routes();
  const target = { way: 'slack', url: 'https://hooks.slack.com/x' };
  assert.equal((await it.ask('bob', 'GET', base)).status, 403);
  assert.equal((await it.ask('bob', 'POST', base, { target })).status, 403);
  assert.equal((await it.ask('bob', 'GET', `${base}/x/letters`)).status, 403);
  assert.equal((await it.ask('bob', 'DELETE', `${base}/x`)).status, 403);
  const { id } = (await it.ask('ada', 'POST', base, { target })).body as { id: string };
  assert.equal((await it.ask('bob', 'POST', `${base}/${id}/test`)).status, 403);
  assert.equal((await it.ask('eve', 'POST', `${base}/${id}/test`)).status, 404);
  assert.equal((await it.ask('ada', 'POST', `${base}/x/test`)).status, 404);
  assert.deepEqual(await it.outbox.list(id, 100), []);
});

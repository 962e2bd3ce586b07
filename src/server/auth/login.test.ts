import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { type AuthServer, authServer, goodPassword } from './testing/auth-server.ts';

const day = 86_400_000;
const cookie = '__Host-cion';

let server: AuthServer;
before(async () => {
  server = await authServer();
});
after(() => server.close());

const isIn = async ({ get }: Pick<Awaited<ReturnType<AuthServer['login']>>, 'get'>): Promise<boolean> =>
  (await get('/api/auth/me')).status === 200;

test('atk-62: the cookie of a session is for this host alone, for no script, and not sent along from other pages', async () => {
  await server.login('flags');
  const { headers } = await server.browser().post('/api/auth/login', { name: 'flags', password: goodPassword });
  const [set = ''] = headers.getSetCookie();
  assert.match(set, /^__Host-cion=[A-Za-z0-9_-]{43}; Max-Age=2592000; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
  assert.equal(headers.get('cache-control'), 'no-store');
});

test('over plain http on localhost the cookie has a name that browsers take there', async () => {
  const plain = await authServer({ url: 'http://localhost:8080' });
  const browser = await plain.login('ada');
  assert.deepEqual([...browser.cookies.keys()], ['cion']);
  assert.equal(await isIn(browser), true);
  await plain.close();
});

test('atk-65: a wrong password and a name that nobody has are answered in the same words, and both are in the audit', async () => {
  const { id } = await server.login('known');
  await server.accounts.add({ id: 'acc_shut', name: 'shut', isAdmin: false, isClosed: true, forges: [], createdAt: 0 });
  const answers = [];
  for (const name of ['known', 'unknown', 'shut']) {
    const { status, body, headers } = await server.browser().post('/api/auth/login', { name, password: 'wrong horse battery' });
    answers.push({ status, body, names: [...headers.keys()] });
  }
  assert.equal(answers[0]?.body.code, 'LOGIN_REFUSED');
  assert.deepEqual(answers[1], answers[0]);
  assert.deepEqual(answers[2], answers[0]);
  const noted = await server.audit.list({ action: 'login', limit: 4 });
  assert.deepEqual(
    noted.slice(0, 3).map(({ outcome, detail }) => [outcome, detail.account]),
    [
      ['refused', 'acc_shut'],
      ['refused', undefined],
      ['refused', id],
    ],
  );
});

test('atk-65: who guesses has to wait, also with the right password, and is told for how long', async () => {
  const slow = await authServer();
  await slow.login('ada');
  const browser = slow.browser();
  const login = (password: string) => browser.post('/api/auth/login', { name: 'ADA', password });
  const wrong = await Promise.all(Array.from({ length: 20 }, () => login('wrong horse battery')));
  assert.deepEqual(new Set(wrong.map(({ status }) => status)), new Set([401, 429]));
  assert.equal(wrong.filter(({ status }) => status === 401).length, 5);
  const right = await login(goodPassword);
  assert.deepEqual([right.status, right.body.code, right.headers.get('retry-after')], [429, 'LOGIN_THROTTLED', '1']);
  await slow.clock.advance(1000);
  assert.equal((await login(goodPassword)).status, 200);
  await slow.close();
});

test('atk-63: a session that was planted before a login is not the one after it, and is over', async () => {
  const victim = await server.login('victim');
  const planted = victim.cookies.get(cookie) ?? '';
  await victim.post('/api/auth/login', { name: 'victim', password: goodPassword });
  assert.notEqual(victim.cookies.get(cookie), planted);
  const attacker = server.browser();
  for (const value of [planted, 'A'.repeat(43)]) {
    attacker.cookies.set(cookie, value);
    assert.equal(await isIn(attacker), false);
  }
  assert.equal(await isIn(victim), true);
});

test('a session ends some time after it was last used, and at the latest thirty days after the login', async () => {
  const [idle, busy] = [await server.login('idle'), await server.login('busy')];
  for (let week = 1; week <= 5; week++) {
    await server.clock.advance(6 * day);
    if (week < 5) assert.equal(await isIn(busy), true, `week ${week}`);
    if (week === 1) assert.equal(await isIn(idle), true);
    if (week === 3) assert.equal(await isIn(idle), false);
  }
  assert.equal(await isIn(busy), false);
});

test('a logout ends the session for the server, not only for the browser', async () => {
  const browser = await server.login('leaver');
  const kept = server.browser();
  kept.cookies.set(cookie, browser.cookies.get(cookie) ?? '');
  assert.equal(await isIn(kept), true);
  assert.equal((await browser.post('/api/auth/logout')).status, 204);
  assert.equal(browser.cookies.size, 0);
  assert.equal(await isIn(kept), false);
});

test('one sees the sessions of the own account and ends one, or all others', async () => {
  const here = await server.login('many');
  const there = [server.browser(), server.browser(), server.browser()] as const;
  for (const browser of there) await browser.post('/api/auth/login', { name: 'many', password: goodPassword }, undefined);
  const { body } = await here.get('/api/auth/sessions');
  assert.equal(body.length, 4);
  assert.deepEqual(Object.keys(body[0]).sort(), ['address', 'agent', 'createdAt', 'id', 'isThis', 'seenAt']);
  const other = body.find((one: { isThis: boolean }) => !one.isThis).id;
  assert.equal((await here.send('DELETE', `/api/auth/sessions/${other}`)).status, 204);
  assert.equal((await here.get('/api/auth/sessions')).body.length, 3);
  assert.equal((await here.send('DELETE', '/api/auth/sessions')).status, 204);
  assert.deepEqual(await Promise.all([here, ...there].map(isIn)), [true, false, false, false]);
});

test('a new password needs the current one, and ends all other sessions', async () => {
  const [here, there] = [await server.login('changer'), server.browser()];
  await there.post('/api/auth/login', { name: 'changer', password: goodPassword });
  const change = (current: string, password: string) => here.post('/api/auth/password', { current, password });
  assert.equal((await change('wrong horse battery', 'another horse battery')).status, 401);
  assert.equal((await change(goodPassword, 'short')).body.code, 'PASSWORD_REFUSED');
  assert.equal((await change(goodPassword, 'another horse battery')).status, 204);
  assert.deepEqual([await isIn(here), await isIn(there)], [true, false]);
  assert.equal((await there.post('/api/auth/login', { name: 'changer', password: goodPassword })).status, 401);
  assert.equal((await there.post('/api/auth/login', { name: 'changer', password: 'another horse battery' })).status, 200);
});

test('who is closed, or got a new password from an admin, is out at once', async () => {
  const [admin, one, other] = [await server.login('root', true), await server.login('closed'), await server.login('reset')];
  await admin.send('PATCH', `/api/accounts/${one.id}`, { isClosed: true });
  await admin.send('PATCH', `/api/accounts/${other.id}`, { password: 'another horse battery' });
  assert.deepEqual([await isIn(one), await isIn(other)], [false, false]);
  assert.equal((await one.post('/api/auth/login', { name: 'closed', password: goodPassword })).status, 401);
});

test('atk-65: who has the whole database has no password, no session and no token of it', async () => {
  const browser = await server.login('dumped');
  const made = (await browser.post('/api/auth/tokens', { name: 'laptop', scopes: ['read'] })).body.token;
  const tables = ['account', 'session', 'token', 'audit', 'member'];
  const dump = await Promise.all(
    tables.map(async (name) => (await sql`select * from ${sql.table(name)}`.execute(server.database.sql)).rows),
  );
  const text = JSON.stringify(dump);
  assert.ok(text.includes('acc_dumped'));
  for (const secret of [goodPassword, browser.cookies.get(cookie) ?? '-', made]) assert.equal(text.includes(secret), false);
});

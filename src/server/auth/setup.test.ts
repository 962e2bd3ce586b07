import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newBearer } from './bearer.ts';
import { setupTokenOf } from './setup-token.ts';
import { type AuthServer, authServer, goodPassword } from './testing/auth-server.ts';

let server: AuthServer;
before(async () => {
  server = await authServer();
});
after(() => server.close());

const setUp = (name: string, token: string | undefined, password = goodPassword) =>
  server.browser().post('/api/auth/setup', { token, name, password });

test('atk-66: without the token that the server printed nobody becomes the first admin, and each try is in the audit', async () => {
  for (const token of ['', 'cion_setup_', newBearer('setup'), (server.setup.token ?? '').slice(0, -1)]) {
    const { status, body } = await setUp('mallory', token);
    assert.deepEqual([status, body.code], [403, 'SETUP_REFUSED']);
  }
  assert.deepEqual(await server.accounts.list(), []);
  const noted = await server.audit.list({ action: 'setup', limit: 10 });
  assert.deepEqual([noted.length, noted[0]?.outcome], [4, 'refused']);
});

test('atk-66: there is no registration, no default password, and nothing that an anonymous one may', async () => {
  const browser = server.browser();
  assert.equal((await browser.post('/api/accounts', { name: 'mallory', password: goodPassword })).status, 401);
  for (const password of ['admin', 'password', 'cion', 'changeme']) {
    assert.equal((await browser.post('/api/auth/login', { name: 'admin', password })).status, 401);
  }
  for (const path of ['/api/accounts', '/api/audit', '/api/workers/tokens', '/api/auth/tokens', '/api/auth/sessions', '/api/auth/me']) {
    assert.equal((await browser.get(path)).status, 401, path);
  }
  assert.deepEqual((await browser.get('/api/auth')).body, { setup: true, ways: ['password'] });
});

test('atk-66: of several who have the token one becomes admin, and it is worth nothing afterwards', async () => {
  await server.clock.advance(3_600_001);
  const weak = await setUp('ada', server.setup.token, 'short');
  assert.deepEqual([weak.status, weak.body.code], [400, 'PASSWORD_REFUSED']);
  const answers = await Promise.all(['ada', 'bob', 'eve'].map((name) => setUp(name, server.setup.token)));
  assert.deepEqual(
    answers.map(({ status }) => status).sort((a, b) => a - b),
    [201, 403, 403],
  );
  const accounts = await server.accounts.list();
  assert.deepEqual(
    accounts.map(({ isAdmin }) => isAdmin),
    [true],
  );
  assert.equal((await setUp('mallory', server.setup.token)).status, 403);
  assert.deepEqual((await server.browser().get('/api/auth')).body, { setup: false, ways: ['password'] });
  const again = await setupTokenOf(server.accounts);
  assert.deepEqual([again.token, again.isRight(server.setup.token ?? '')], [undefined, false]);
});

test('the first admin is logged in, makes further accounts, and cannot take the last admin away', async () => {
  const browser = server.browser();
  const name = (await server.accounts.list())[0]?.name;
  await browser.post('/api/auth/login', { name, password: goodPassword });
  const me = (await browser.get('/api/auth/me')).body;
  assert.deepEqual([me.name, me.isAdmin], [name, true]);
  assert.equal((await browser.post('/api/accounts', { name: 'grace', password: goodPassword })).status, 201);
  assert.equal((await browser.post('/api/accounts', { name: 'grace', password: goodPassword })).body.code, 'ACCOUNT_EXISTS');
  assert.equal((await browser.send('PATCH', `/api/accounts/${me.account}`, { isAdmin: false })).status, 403);
  const listed = (await browser.get('/api/accounts')).body;
  assert.deepEqual(new Set(listed.map((one: { name: string }) => one.name)), new Set([name, 'grace']));
  assert.doesNotMatch(JSON.stringify(listed), /argon2/);
});

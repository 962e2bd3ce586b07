import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { rightSchema } from '../../api/auth.ts';
import { type AuthServer, authServer, goodPassword } from './testing/auth-server.ts';
import { freshMs } from './fresh-login.ts';

const day = 86_400_000;

let server: AuthServer;
before(async () => {
  server = await authServer();
});
after(() => server.close());

const as = (token: string) => ({ authorization: `Bearer ${token}` });
const send = (token: string, method: string, path: string, body?: object) => server.browser().send(method, path, body, as(token));
const isGood = async (token: string): Promise<boolean> => (await server.browser().get('/api/auth/me', as(token))).status === 200;
const may = async (right: string, token: string, project?: string): Promise<boolean> =>
  (await server.browser().get(`/may/${right}${project === undefined ? '' : `?project=${project}`}`, as(token))).body;
const list = async (token: string) => (await server.browser().get('/api/auth/tokens', as(token))).body;
const make = async (token: string, wanted: object) => {
  const { status, body } = await send(token, 'POST', '/api/auth/tokens', { name: 'made', ...wanted });
  return { status, code: body.code, ...(body as { id: string; token: string; expiresAt: number }) };
};
const refused = [403, 'FORBIDDEN'];

/** A token of a new account with these rights. */
const maker = async (name: string, scopes: readonly string[], more: object = {}, isAdmin = false) => {
  const browser = await server.login(name, isAdmin);
  const { body } = await browser.post('/api/auth/tokens', { name: 'maker', scopes, ...more });
  return { browser, ...(body as { id: string; token: string; expiresAt: number }) };
};

test('atk-65: a token with the right "tokens" makes others with some of its rights, and none with a right that it has not', async () => {
  const { token, id } = await maker('wide', ['read', 'run', 'tokens'], {}, true);
  const project = server.addProject('acme/wide');
  const made = await make(token, { scopes: ['run'] });
  assert.equal(made.status, 201);
  assert.deepEqual([await may('run', made.token, project), await may('decide', made.token, project)], [true, false]);
  for (const right of rightSchema.options.filter((one) => !['read', 'run'].includes(one))) {
    const { status, code } = await make(token, { scopes: ['read', right] });
    assert.deepEqual([status, code], refused, right);
  }
  const notes = await server.audit.list({ action: 'token.make', limit: 2 });
  assert.deepEqual(
    notes.map(({ outcome, detail }) => [outcome, detail['by'], detail['scopes']]),
    [
      ['refused', id, 'read tokens'],
      ['refused', id, 'read admin'],
    ],
  );
  assert.deepEqual(
    (await list(token)).map((row: { id: string; madeBy: string; scopes: unknown }) => [row.id, row.madeBy, row.scopes]),
    [[made.id, id, ['run']]],
  );
});

test('atk-65: what a token made makes none, however many rights its maker has, and nor does a token without the right', async () => {
  const { token } = await maker('chain', [...rightSchema.options], {}, true);
  const child = await make(token, { scopes: ['read', 'run', 'decide', 'secrets', 'settings', 'admin'] });
  assert.equal(child.status, 201);
  const { status, code } = await make(child.token, { scopes: ['read'] });
  assert.deepEqual([status, code], refused);
  assert.equal((await send(child.token, 'GET', '/api/auth/tokens')).status, 403);
  assert.equal((await send(child.token, 'DELETE', `/api/auth/tokens/${child.id}`)).status, 403);
});

test('atk-65: a token for one project makes tokens for that one alone', async () => {
  const [one, other] = [server.addProject('acme/only'), server.addProject('acme/other')];
  const { token } = await maker('bound', ['read', 'run', 'tokens'], { project: one }, true);
  for (const wanted of [{ scopes: ['read'] }, { scopes: ['read'], project: other }, { scopes: ['read'], project: 'acme/none' }]) {
    const { status, code } = await make(token, wanted);
    assert.deepEqual([status, code], refused, JSON.stringify(wanted));
  }
  const made = await make(token, { scopes: ['read', 'run'], project: one });
  assert.deepEqual([await may('run', made.token, one), await may('read', made.token, other)], [true, false]);
});

test('atk-65: a stolen token does not outlive itself: what it makes ends with it, and is gone when it is revoked', async () => {
  const { token, id, expiresAt, browser } = await maker('stolen', ['read', 'tokens'], { expiresInDays: 10 });
  await server.clock.advance(6 * day);
  const [long, short] = [
    await make(token, { scopes: ['read'], expiresInDays: 3650 }),
    await make(token, { scopes: ['read'], expiresInDays: 1 }),
  ];
  assert.equal(long.expiresAt, expiresAt);
  assert.equal(short.expiresAt, server.clock.now() + day);
  await server.clock.advance(day);
  assert.deepEqual([await isGood(token), await isGood(long.token), await isGood(short.token)], [true, true, false]);
  await server.clock.advance(3 * day);
  assert.deepEqual([await isGood(token), await isGood(long.token)], [false, false]);
  assert.equal((await make(token, { scopes: ['read'] })).status, 401);

  await browser.post('/api/auth/login', { name: 'stolen', password: goodPassword });
  const again = (await browser.post('/api/auth/tokens', { name: 'maker', scopes: ['read', 'tokens'] })).body;
  const hidden = await make(again.token, { scopes: ['read'], name: 'of the thief' });
  assert.equal(await isGood(hidden.token), true);
  assert.equal((await browser.send('DELETE', `/api/auth/tokens/${again.id}`)).status, 204);
  assert.deepEqual([await isGood(again.token), await isGood(hidden.token)], [false, false]);
  assert.equal((await make(again.token, { scopes: ['read'] })).status, 401);
  const left = (await browser.get('/api/auth/tokens')).body as { id: string }[];
  assert.equal(
    left.some((row) => row.id === hidden.id),
    false,
  );
  assert.notEqual(again.id, id);
});

test('atk-64, atk-65: a token sees and ends what it made, and nothing else of its owner', async () => {
  const { token, id, browser } = await maker('keeper', ['read', 'tokens']);
  const other = (await browser.post('/api/auth/tokens', { name: 'other', scopes: ['read', 'tokens'] })).body;
  const made = await make(token, { scopes: ['read'] });
  assert.deepEqual(
    (await list(token)).map((row: { id: string }) => row.id),
    [made.id],
  );
  assert.deepEqual(await list(other.token), []);
  for (const one of [id, other.id, 'tok_none']) assert.equal((await send(token, 'DELETE', `/api/auth/tokens/${one}`)).status, 404, one);
  assert.equal((await send(other.token, 'DELETE', `/api/auth/tokens/${made.id}`)).status, 404);
  assert.equal((await send(token, 'DELETE', `/api/auth/tokens/${made.id}`)).status, 204);
  assert.equal(await isGood(made.token), false);
  for (const [method, path, body] of [
    ['GET', '/api/auth/sessions'],
    ['DELETE', '/api/auth/sessions'],
    ['POST', '/api/auth/password', { password: 'another horse battery' }],
  ] as const) {
    assert.equal((await send(token, method, path, body)).status, 403, `${method} ${path}`);
  }
});

test('atk-65: a session makes tokens soon after its log-in, and none later, whoever has it then; another log-in does again', async () => {
  const browser = await server.login('open');
  const ask = async () => {
    const { status, body } = await browser.post('/api/auth/tokens', { name: 'laptop', scopes: ['read'] });
    return [status, body.code];
  };
  await server.clock.advance(freshMs - 1);
  assert.deepEqual(await ask(), [201, undefined]);
  await server.clock.advance(1);
  assert.deepEqual(await ask(), [403, 'LOGIN_STALE']);
  const [row] = (await browser.get('/api/auth/tokens')).body as { id: string }[];
  assert.equal((await browser.send('DELETE', `/api/auth/tokens/${row?.id}`)).status, 204, 'it can still end them');
  await browser.post('/api/auth/login', { name: 'open', password: goodPassword });
  assert.deepEqual(await ask(), [201, undefined]);
});

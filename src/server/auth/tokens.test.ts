import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newBearer } from './bearer.ts';
import { type AuthServer, authServer } from './testing/auth-server.ts';

const day = 86_400_000;

let server: AuthServer;
before(async () => {
  server = await authServer();
});
after(() => server.close());

const as = (token: string, more: Record<string, string> = {}) => ({ authorization: `Bearer ${token}`, ...more });

const ask = (path: string, token: string, more?: Record<string, string>) => server.browser().get(path, as(token, more));

const may = async (right: string, token: string, project?: string): Promise<boolean> =>
  (await ask(`/may/${right}${project === undefined ? '' : `?project=${project}`}`, token)).body;

test('atk-65: a token may what its scopes say and its owner may, and no more', async () => {
  const [ada, admin] = [await server.login('ada'), await server.login('root', true)];
  const project = server.addProject('acme/shop');
  await server.members.set(project, ada.id, 'writer');
  const make = async (browser: typeof ada, scopes: readonly string[], more: object = {}): Promise<string> =>
    (await browser.post('/api/auth/tokens', { name: 'laptop', scopes, ...more })).body.token;

  const reading = await make(ada, ['read']);
  assert.deepEqual([await may('read', reading, project), await may('run', reading, project)], [true, false]);
  const greedy = await make(ada, ['read', 'run', 'decide', 'secrets', 'settings', 'admin']);
  assert.deepEqual(
    [await may('run', greedy, project), await may('secrets', greedy, project), await may('admin', greedy)],
    [true, false, false],
  );
  const ofAdmin = await make(admin, ['read', 'run']);
  assert.deepEqual(
    [await may('run', ofAdmin, project), await may('settings', ofAdmin, project), await may('admin', ofAdmin)],
    [true, false, false],
  );
  assert.equal(await may('admin', await make(admin, ['admin'])), true);
});

test('atk-65: a token for one project is worth nothing in another, or for the server', async () => {
  const admin = await server.login('boss', true);
  const [one, other] = [server.addProject('acme/one'), server.addProject('acme/two')];
  const { token } = (await admin.post('/api/auth/tokens', { name: 'one', scopes: ['read', 'run', 'settings', 'admin'], project: one }))
    .body;
  assert.deepEqual([await may('run', token, one), await may('run', token, other), await may('read', token, other)], [true, false, false]);
  assert.deepEqual([await may('admin', token), await may('settings', token), await may('read', token)], [false, false, false]);
  const hidden = await admin.post('/api/auth/tokens', { name: 'none', scopes: ['read'], project: 'acme/none' });
  assert.equal(hidden.status, 404);
});

test('atk-65: a token ends when its time is over, when it is revoked, and with its account', async () => {
  const [eve, admin] = [await server.login('eve'), await server.login('chief', true)];
  const make = async (more: object = {}) => (await eve.post('/api/auth/tokens', { name: 'laptop', scopes: ['read'], ...more })).body;
  const [short, revoked, left] = [await make({ expiresInDays: 1 }), await make(), await make()];
  for (const { token } of [short, revoked, left]) assert.equal((await ask('/api/auth/me', token)).body.name, 'eve');
  await server.clock.advance(day);
  await eve.send('DELETE', `/api/auth/tokens/${revoked.id}`);
  for (const { token } of [short, revoked]) {
    const { status, body } = await ask('/api/auth/me', token);
    assert.deepEqual([status, body.code], [401, 'TOKEN_INVALID']);
  }
  assert.equal((await ask('/api/auth/me', left.token)).status, 200);
  await admin.send('PATCH', `/api/accounts/${eve.id}`, { isClosed: true });
  assert.equal((await ask('/api/auth/me', left.token)).status, 401);
});

test('a token is shown once, and lists say only when it was used', async () => {
  const joe = await server.login('joe');
  const { id, token } = (await joe.post('/api/auth/tokens', { name: 'laptop', scopes: ['read'], expiresInDays: 30 })).body;
  assert.match(token, /^cion_[A-Za-z0-9_-]{43}$/);
  const made = server.clock.now();
  await server.clock.advance(120_000);
  await ask('/who', token);
  const { body } = await joe.get('/api/auth/tokens');
  assert.deepEqual(body, [{ id, name: 'laptop', createdAt: made, expiresAt: made + 30 * day, usedAt: made + 120_000, scopes: ['read'] }]);
});

test('atk-65: a token in an address is refused, whatever else the request has, and one elsewhere is nobody’s', async () => {
  const kim = await server.login('kim');
  const { token } = (await kim.post('/api/auth/tokens', { name: 'laptop', scopes: ['read'] })).body;
  for (const path of [`/who?token=${token}`, `/who?access_token=${token}`, `/api/auth/me?x=${token}`]) {
    const { status, body } = await ask(path, token);
    assert.deepEqual([status, body.code], [400, 'TOKEN_IN_URL'], path);
    assert.equal(body.message.includes(token), false);
  }
  assert.equal((await server.browser().get('/who', { cookie: `__Host-cion=${token}` })).body.kind, 'anonymous');
  assert.equal((await server.browser().get('/who', { 'private-token': token })).body.kind, 'anonymous');
});

test('atk-65: a token that is none is refused, one of a hook of somebody else’s is nobody’s', async () => {
  for (const token of [newBearer('account'), newBearer('worker'), 'cion_', 'cion_%00']) {
    assert.equal((await ask('/who', token)).status, 401, token);
  }
  assert.equal((await ask('/who', 'glpat-xyz')).body.kind, 'anonymous');
});

test('atk-65: a token makes no further tokens, ends no sessions and changes no password', async () => {
  const admin = await server.login('lead', true);
  const { token } = (await admin.post('/api/auth/tokens', { name: 'all', scopes: ['read', 'run', 'settings', 'admin'] })).body;
  const send = (method: string, path: string, body?: object) => server.browser().send(method, path, body, as(token));
  assert.equal((await send('POST', '/api/auth/tokens', { name: 'more', scopes: ['secrets'] })).body.code, 'FORBIDDEN');
  assert.equal((await send('DELETE', '/api/auth/sessions')).status, 403);
  assert.equal((await send('POST', '/api/auth/password', { password: 'another horse battery' })).status, 403);
  assert.equal((await send('GET', '/api/accounts')).status, 200);
});

test('atk-64: nobody sees or ends the tokens and sessions of another, or learns that they are there', async () => {
  const [one, other] = [await server.login('one'), await server.login('other')];
  const { id, token } = (await one.post('/api/auth/tokens', { name: 'laptop', scopes: ['read'] })).body;
  const theirs = (await one.get('/api/auth/sessions')).body[0].id;
  const guessed = [await other.send('DELETE', `/api/auth/tokens/${id}`), await other.send('DELETE', '/api/auth/tokens/tok_none')];
  assert.deepEqual(guessed[0]?.body, guessed[1]?.body);
  assert.equal(guessed[0]?.status, 404);
  await other.send('DELETE', `/api/auth/sessions/${theirs}`);
  assert.deepEqual((await other.get('/api/auth/tokens')).body, []);
  assert.equal((await ask('/api/auth/me', token)).status, 200);
  assert.equal((await one.get('/api/auth/me')).status, 200);
});

test('atk-15: a worker’s token stands for one name, by creation or from its first use, and is refused with another', async () => {
  const admin = await server.login('keeper', true);
  const make = async (more: object) => (await admin.post('/api/workers/tokens', { name: 'rack', ...more })).body;
  const who = (token: string, name?: string) => ask('/who', token, name === undefined ? {} : { 'cion-worker': name });
  const refused = [403, 'WORKER_REFUSED'];
  const tried = async (token: string, name?: string) => {
    const { status, body } = await who(token, name);
    return [status, body.code];
  };

  const named = await make({ worker: 'builder-1' });
  assert.match(named.token, /^cion_worker_/);
  assert.deepEqual((await who(named.token)).body, { kind: 'worker', worker: 'builder-1' });
  assert.deepEqual((await who(named.token, 'builder-1')).body, { kind: 'worker', worker: 'builder-1' });
  assert.deepEqual(await tried(named.token, 'builder-2'), refused);
  assert.match((await who(named.token, 'builder-2')).body.message, /of the worker "builder-1", and this one is called "builder-2"/);

  const open = await make({});
  assert.deepEqual(await tried(open.token), refused);
  assert.deepEqual(await tried(open.token, '../builder'), refused);
  const first = await Promise.all(['a', 'b', 'c'].map((name) => who(open.token, name)));
  assert.deepEqual(
    first.map(({ status }) => status).sort((a, b) => a - b),
    [200, 403, 403],
  );
  const bound = first.find(({ status }) => status === 200)?.body.worker;
  assert.deepEqual((await who(open.token)).body, { kind: 'worker', worker: bound });

  await admin.send('DELETE', `/api/workers/tokens/${named.id}`);
  assert.equal((await who(named.token, 'builder-1')).status, 401);
  assert.equal((await who(newBearer('worker'), 'builder-1')).status, 401);
  const listed = (await admin.get('/api/workers/tokens')).body;
  assert.deepEqual(
    listed.map(({ id, worker }: { id: string; worker: string }) => [id, worker]),
    [[open.id, bound]],
  );
});

test('atk-15: a worker’s token opens nothing that is for people, and only admins make one', async () => {
  const [admin, plain] = [await server.login('owner', true), await server.login('plain')];
  assert.equal((await plain.post('/api/workers/tokens', { name: 'rack' })).status, 403);
  const { token } = (await admin.post('/api/workers/tokens', { name: 'rack', worker: 'builder-9' })).body;
  const project = server.addProject('acme/private');
  assert.equal(await may('read', token, project), false);
  assert.equal(await may('admin', token), false);
  for (const path of ['/api/auth/me', '/api/auth/tokens', '/api/accounts', '/api/audit', `/api/projects/${project}/members`]) {
    assert.ok([401, 403, 404].includes((await ask(path, token)).status), path);
  }
  const [noted] = await server.audit.list({ action: 'audit.list', limit: 1 });
  assert.deepEqual([noted?.actor, noted?.outcome], [{ kind: 'worker', worker: 'builder-9' }, 'refused']);
});

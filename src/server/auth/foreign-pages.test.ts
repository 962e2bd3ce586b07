import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type AuthServer, authServer, goodPassword, publicUrl } from './testing/auth-server.ts';

let server: AuthServer;
before(async () => {
  server = await authServer();
});
after(() => server.close());

const foreign: Readonly<Record<string, Record<string, string>>> = {
  'a form of another site': { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  'a form of a sibling, which has the cookie': { origin: 'https://pages.example.org', 'sec-fetch-site': 'same-site' },
  'a page that has no origin': { origin: 'null', 'x-cion': '1' },
  'a script of another site that set the header': { origin: 'https://evil.example', 'x-cion': '1' },
  'a browser that only says where from': { 'sec-fetch-site': 'cross-site', 'x-cion': '1' },
  'a page of ours by its name, but another’s by its place': { origin: publicUrl, 'sec-fetch-site': 'same-site', 'x-cion': '1' },
  'another port': { origin: `${publicUrl}:8443`, 'x-cion': '1' },
  'nothing said at all': { 'x-cion': '1' },
  'the right place without the header': { origin: publicUrl, 'sec-fetch-site': 'same-origin' },
};

test('atk-62: no request that changes something is done with a cookie unless a page of ours made it', async () => {
  const admin = await server.login('root', true);
  const routes = server.changing.filter((route) => !/\/api\/auth\/(?:login|setup)$/.test(route));
  assert.ok(routes.length >= 13, routes.join('\n'));
  const before = (await server.accounts.list()).length;
  for (const route of routes) {
    const [method = '', pattern = ''] = route.split(' ');
    const path = pattern.replace(/:account/, 'root').replaceAll(/:\w+/g, 'x');
    for (const [what, headers] of Object.entries(foreign)) {
      const { status, body } = await admin.send(method, path, method === 'DELETE' ? undefined : bodies[pattern], headers);
      assert.deepEqual([status, body.code], [403, 'FOREIGN_REQUEST'], `${route} by ${what}`);
    }
  }
  assert.equal((await server.accounts.list()).length, before);
  assert.equal((await admin.get('/api/auth/me')).status, 200);
  assert.equal((await admin.post('/change')).body.name, 'root');
});

test('atk-62: a form acts by what only pages of that very session have, and from no other place', async () => {
  const [ada, eve] = [await server.login('former'), await server.login('other-former')];
  const [own, others] = [(await ada.get('/form')).body, (await eve.get('/form')).body];
  assert.ok(own.page.length >= 43 && own.page !== others.page);
  assert.deepEqual((await server.browser().get('/form')).body, {});
  const here = { origin: publicUrl, 'sec-fetch-site': 'same-origin' };
  const send = async (body: object, headers: Record<string, string>) => (await ada.post('/change', body, headers)).body;
  assert.equal((await send(own, here)).name, 'former');
  assert.equal((await send(own, { origin: publicUrl })).name, 'former');
  for (const [what, { 'x-cion': _header, ...headers }] of Object.entries(foreign)) {
    if (what === 'the right place without the header') continue;
    assert.equal((await send(own, headers)).code, 'FOREIGN_REQUEST', what);
  }
  for (const forged of [{}, others, { page: '' }, { page: [own.page] }, { page: `${own.page}x` }, { page: server.browser().cookies }]) {
    assert.equal((await send(forged, here)).code, 'FOREIGN_REQUEST', JSON.stringify(forged));
  }
});

const bodies: Readonly<Record<string, object>> = {
  '/api/auth/password': { current: goodPassword, password: 'another horse battery' },
  '/api/auth/tokens': { name: 'x', scopes: ['admin'] },
  '/tokens': { name: 'x', read: 'on' },
  '/api/workers/tokens': { name: 'x' },
  '/api/accounts': { name: 'mallory', password: goodPassword },
  '/api/accounts/:id': { isAdmin: true },
  '/api/projects/:owner/:name/members/:account': { role: 'owner' },
};

test('atk-62: another site cannot log its visitor in as somebody else', async () => {
  await server.login('mallory');
  for (const [what, headers] of Object.entries(foreign)) {
    if (what === 'nothing said at all') continue;
    const victim = server.browser();
    const { status } = await victim.post('/api/auth/login', { name: 'mallory', password: goodPassword }, headers);
    assert.equal(status, 403, what);
    assert.equal(victim.cookies.size, 0, what);
  }
});

test('atk-62: a body that a plain form can send is not taken for one of ours', async () => {
  const { cookies } = await server.login('form');
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
    const answer = await fetch(`${server.url}/api/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': type, cookie: `__Host-cion=${cookies.get('__Host-cion') ?? ''}`, origin: 'https://evil.example' },
      body: JSON.stringify({ name: 'x', scopes: ['read'] }),
    });
    assert.ok(answer.status >= 400, type);
  }
  assert.deepEqual(await server.tokens.list({ account: 'acc_form' }), []);
});

test('atk-62: no other origin may read an answer, or is allowed to ask with headers of its own', async () => {
  const admin = await server.login('reader', true);
  const origin = 'https://evil.example';
  const asked = [
    await admin.get('/api/auth/me', { origin }),
    await admin.send('OPTIONS', '/api/auth/tokens', undefined, {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'x-cion',
    }),
  ];
  for (const { headers } of asked) {
    assert.deepEqual(
      [...headers.keys()].filter((name) => name.startsWith('access-control-')),
      [],
    );
  }
  assert.equal(asked[1]?.status, 404);
});

test('who has no cookie but a token needs no page: nobody’s browser sends a token by itself', async () => {
  const browser = await server.login('script');
  const { token } = (await browser.post('/api/auth/tokens', { name: 'laptop', scopes: ['read'] })).body;
  const answer = await server.browser().post('/change', undefined, { authorization: `Bearer ${token}` });
  assert.deepEqual([answer.status, answer.body.name], [200, 'script']);
});

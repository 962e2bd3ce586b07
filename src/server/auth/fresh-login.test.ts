import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gitHubForge } from '../forges/testing/github-forge.ts';
import { freshMs } from './fresh-login.ts';
import { type AuthServer, authServer, goodPassword } from './testing/auth-server.ts';

let forge: Awaited<ReturnType<typeof gitHubForge>>;
let server: AuthServer;
before(async () => {
  forge = await gitHubForge();
  server = await authServer({ forges: [forge] });
});
after(() => Promise.all([server.close(), forge.server.close()]));

const stale = [403, 'LOGIN_STALE'];

test('atk-65: a session that is stolen after a while links no account of a forge, by which its thief could log in for ever', async () => {
  const browser = await server.login('ada');
  forge.oauth.person.user = forge.addUser('mallory').id;
  await server.clock.advance(freshMs);
  const { status, body } = await browser.post('/api/auth/github');
  assert.deepEqual([status, body.code], stale);
  assert.deepEqual((await server.accounts.get(browser.id))?.forges, []);
  assert.equal((await browser.post('/api/auth/login', { name: 'ada', password: goodPassword })).status, 200);
  await browser.follow((await browser.post('/api/auth/github')).body.url);
  assert.equal((await server.accounts.get(browser.id))?.forges.length, 1);
});

test('atk-65: a session of who has no password gives them one soon after its log-in, and later none', async () => {
  forge.oauth.person.user = forge.addUser('linus').id;
  const browser = server.browser();
  const enter = async () => browser.follow((await browser.get('/api/auth/github')).headers.get('location') ?? '');
  await enter();
  await server.clock.advance(freshMs);
  const { status, body } = await browser.post('/api/auth/password', { password: 'the thief’s own horse' });
  assert.deepEqual([status, body.code], stale);
  assert.equal((await browser.get('/api/auth/me')).body.hasPassword, false);
  await enter();
  assert.equal((await browser.post('/api/auth/password', { password: goodPassword })).status, 204);
  await server.clock.advance(freshMs);
  const change = { current: goodPassword, password: 'another good horse' };
  assert.equal((await browser.post('/api/auth/password', change)).status, 204, 'who has one proves it by the one of now');
});

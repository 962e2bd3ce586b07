import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gitHubForge } from '../forges/testing/github-forge.ts';
import type { Browser } from './testing/browser.ts';
import { type AuthServer, authServer, publicUrl } from './testing/auth-server.ts';
import { freshMs } from './fresh-login.ts';

let forge: Awaited<ReturnType<typeof gitHubForge>>;
let server: AuthServer;
before(async () => {
  forge = await gitHubForge();
  server = await authServer({ forges: [forge] });
});
after(() => Promise.all([server.close(), forge.server.close()]));

/** Logs in with the forge by the link of the page, as somebody who has no password here. */
const byForge = async (name: string) => {
  forge.oauth.person.user = forge.addUser(name).id;
  const browser = server.browser();
  return { browser, enter: () => enter(browser) };
};
const enter = async (browser: Browser): Promise<string> => {
  const [, link = ''] = /<a href="(\/api\/auth\/github\?[^"]*)"/.exec((await browser.get('/tokens')).body) ?? [];
  assert.equal((await browser.follow((await browser.get(link)).headers.get('location') ?? '')).at(-1), `${publicUrl}/tokens`);
  return (await browser.get('/tokens')).body;
};
const stampIn = (page: string): string => /name="page" value="([^"]+)"/.exec(page)?.[1] ?? assert.fail(page);
const here = { origin: publicUrl, 'sec-fetch-site': 'same-origin' };
/** As a browser sends a form. */
const submit = async (browser: Browser, path: string, fields: Record<string, string>, headers: Record<string, string> = here) => {
  const answer = await fetch(`${server.url}${path}`, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie: Array.from(browser.cookies, ([name, value]) => `${name}=${value}`).join('; '), ...headers },
    body: new URLSearchParams(fields),
  });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
};
const tokenIn = (text: string): string => /<pre>(cion_[\w-]{43})<\/pre>/.exec(text)?.[1] ?? assert.fail(text);

test('who logs in with a forge alone makes a token on a page, which is shown once, and ends it there', async () => {
  const { browser, enter: logIn } = await byForge('linus');
  const page = await logIn();
  assert.match(page, /Tokens of linus/);
  const project = server.addProject('acme/page');
  await server.members.set(project, (await browser.get('/api/auth/me')).body.account, 'writer');
  const made = await submit(browser, '/tokens', {
    page: stampIn(page),
    name: 'laptop <b>',
    read: 'on',
    run: 'on',
    project,
    days: '3',
  });
  assert.equal(made.status, 200, made.text);
  assert.equal(made.headers.get('cache-control'), 'no-store');
  const token = tokenIn(made.text);
  assert.doesNotMatch(made.text, /<b>/);
  const me = (await server.browser().get('/api/auth/me', { authorization: `Bearer ${token}` })).body;
  assert.deepEqual([me.name, me.hasPassword, me.scopes, me.project], ['linus', false, ['read', 'run'], project]);

  const listed = (await browser.get('/tokens')).body as string;
  assert.equal(listed.includes(token), false);
  assert.match(listed, /laptop &#60;b&#62;.*\n<td>read, run in acme\/page<\/td>/);
  const [, path = ''] = /action="(\/tokens\/tok_\w+\/revoke)"/.exec(listed) ?? [];
  const ended = await submit(browser, path, { page: stampIn(listed) });
  assert.deepEqual([ended.status, ended.headers.get('location')], [303, '/tokens']);
  assert.equal((await server.browser().get('/api/auth/me', { authorization: `Bearer ${token}` })).status, 401);
});

test('atk-62: no form of another page makes or ends a token, nor one without what this session was shown', async () => {
  const { browser, enter: logIn } = await byForge('grace');
  const stamp = stampIn(await logIn());
  const eve = await byForge('eve');
  const others = stampIn(await eve.enter());
  const wanted = { name: 'x', read: 'on' };
  for (const [what, fields, headers] of [
    ['another site', { ...wanted, page: stamp }, { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['nothing said', { ...wanted, page: stamp }, {}],
    ['no stamp', wanted, here],
    ['the stamp of another', { ...wanted, page: others }, here],
  ] as const) {
    const made = await submit(browser, '/tokens', fields, headers);
    assert.deepEqual([made.status, (JSON.parse(made.text) as { code: string }).code], [403, 'FOREIGN_REQUEST'], what);
  }
  assert.deepEqual((await browser.get('/api/auth/tokens')).body, []);
  assert.equal((await submit(browser, '/tokens', { name: 'x', page: stamp })).status, 400, 'it has to be for something');
});

test('atk-65: a log-in that is not fresh is shown what there is and makes nothing; by the forge again it does', async () => {
  const { browser, enter: logIn } = await byForge('alan');
  const stamp = stampIn(await logIn());
  await server.clock.advance(freshMs);
  const page = (await browser.get('/tokens')).body as string;
  assert.match(page, /log in again: this log-in is older than 15 minutes/);
  assert.doesNotMatch(page, /name="days"/);
  const late = await submit(browser, '/tokens', { page: stamp, name: 'x', read: 'on' });
  assert.deepEqual([late.status, (JSON.parse(late.text) as { code: string }).code], [403, 'LOGIN_STALE']);
  const again = stampIn(await logIn());
  assert.notEqual(again, stamp);
  tokenIn((await submit(browser, '/tokens', { page: again, name: 'x', read: 'on' })).text);
});

test('a log-in that came to nothing ends on a page that says why and how else, and shows nothing that somebody put into its address', async () => {
  const browser = server.browser();
  const way = await browser.follow(`${publicUrl}/api/auth/github/callback?code=x&state=y`);
  const page = await browser.get((way.at(-1) ?? '').slice(publicUrl.length));
  assert.equal(page.status, 200);
  assert.match(page.body, /The log-in was refused/);
  assert.match(page.body, /href="\/api\/auth\/github\?next=%2Ftokens"/);
  for (const error of ['<script>', 'constructor', '__proto__']) {
    const other = (await browser.get(`/login?error=${encodeURIComponent(error)}`)).body;
    assert.match(other, /<p>It could not be done\.<\/p>/, error);
    assert.doesNotMatch(other, /script/);
  }
});

test('atk-65: a token does not open the page, and who is nobody is shown the ways to log in', async () => {
  const { browser, enter: logIn } = await byForge('barbara');
  const page = stampIn(await logIn());
  const token = tokenIn((await submit(browser, '/tokens', { page, name: 'x', read: 'on', tokens: 'on' })).text);
  const shown = await browser.get('/tokens', { authorization: `Bearer ${token}` });
  assert.match(shown.body, /Log in with GitHub/);
  assert.doesNotMatch(shown.body, /Tokens of|<form/);
  const made = await submit(server.browser(), '/tokens', { name: 'x', read: 'on' }, { ...here, authorization: `Bearer ${token}` });
  assert.equal(made.status, 403, 'not even one that makes others');
});

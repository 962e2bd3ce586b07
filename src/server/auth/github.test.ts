import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type GithubStandIn, githubStandIn } from '../forges/testing/github-stand-in.ts';
import { forgeTokenContext } from './forge-access.ts';
import { type AuthServer, authServer, goodPassword, publicUrl } from './testing/auth-server.ts';
import type { Browser } from './testing/browser.ts';

const callback = `${publicUrl}/api/auth/github/callback`;
const session = '__Host-cion';
const refused = `${publicUrl}/login?error=FORGE_LOGIN_REFUSED`;
const minute = 60_000;

describe('logging in with GitHub', () => {
  let github: GithubStandIn;
  let server: AuthServer;
  before(async () => {
    github = await githubStandIn();
    github.callback.url = callback;
    server = await authServer({ github });
  });
  after(async () => {
    await server.close();
    await github.close();
  });
  beforeEach(() => {
    github.person.says = 'yes';
  });

  const sit = (login: string) => {
    const user = github.addUser(login);
    github.person.user = user.id;
    return user;
  };

  /** Begins a login and says where GitHub leads back to, without going there. */
  const begin = async (browser: Browser, next?: string): Promise<URL> => {
    const { headers } = await browser.get(`/api/auth/github${next === undefined ? '' : `?next=${encodeURIComponent(next)}`}`);
    const answer = await fetch(headers.get('location') ?? '', { redirect: 'manual' });
    return new URL(answer.headers.get('location') ?? '');
  };

  const come = async (browser: Browser, back: URL): Promise<string | undefined> => (await browser.follow(back.href)).at(-1);

  const enter = async (next?: string) => {
    const browser = server.browser();
    const end = await come(browser, await begin(browser, next));
    return { browser, end };
  };

  it('makes an account and a session for who says yes, and comes back to the page that was left (R-DCO-03)', async () => {
    const user = sit('Octo-Cat');
    const { browser, end } = await enter('/acme/shop?tab=runs');
    assert.equal(end, `${publicUrl}/acme/shop?tab=runs`);
    const { status, body } = await browser.get('/api/auth/me');
    assert.deepEqual([status, body.name, body.github, body.isAdmin], [200, 'octo-cat', 'Octo-Cat', false]);
    const account = await server.accounts.find({ forge: { url: github.url, id: String(user.id) } });
    assert.equal(account?.id, body.account);
    const again = await enter();
    assert.equal((await again.browser.get('/api/auth/me')).body.account, body.account);
  });

  it('makes no session for who says no, and notes it (R-DCO-03)', async () => {
    sit('denier');
    github.person.says = 'no';
    const { browser, end } = await enter();
    assert.equal(end, refused);
    assert.equal(browser.cookies.size, 0);
    assert.equal((await browser.get('/api/auth/me')).status, 401);
    assert.equal(await server.accounts.find({ name: 'denier' }), undefined);
    assert.equal((await server.audit.list({ action: 'login', limit: 1 }))[0]?.outcome, 'refused');
  });

  it('keeps the token of GitHub sealed, for its account alone (R-DCO-03)', async () => {
    const user = sit('sealed');
    await enter();
    const account = await server.accounts.find({ forge: { url: github.url, id: String(user.id) } });
    const tokens = [...github.tokens].filter(([, id]) => id === user.id).map(([token]) => token);
    assert.equal(JSON.stringify(account).includes(tokens[0] ?? '-'), false);
    assert.ok(tokens.includes(server.sealer.open(account?.forge?.token ?? '', forgeTokenContext(account?.id ?? '')).toString()));
  });

  it('asks GitHub with PKCE, a state, and one address to come back to, and sends its secret in no address (atk-63)', async () => {
    sit('pkce');
    await enter();
    const asked = github.requests.findLast(({ path }) => path === '/login/oauth/authorize')?.query;
    assert.deepEqual([asked?.get('redirect_uri'), asked?.get('code_challenge_method')], [callback, 'S256']);
    assert.match(asked?.get('state') ?? '', /^[A-Za-z0-9_-]{43}$/);
    for (const { path, query } of github.requests) assert.equal(`${path}?${query}`.includes(github.app.clientSecret), false);
  });

  it('takes no state but the one that this browser was given, and that one once (atk-63)', async () => {
    sit('state');
    const [browser, stranger] = [server.browser(), server.browser()];
    const back = await begin(browser);
    const without = new URL(back);
    without.searchParams.delete('state');
    assert.equal(await come(stranger, back), refused);
    await begin(stranger);
    assert.equal(await come(stranger, back), refused);
    const other = server.browser();
    await begin(other);
    assert.equal(await come(other, without), refused);
    const forged = server.browser();
    forged.cookies.set('__Host-cion-login', Buffer.from(JSON.stringify({ state: back.searchParams.get('state') })).toString('base64'));
    assert.equal(await come(forged, back), refused);
    assert.equal(await come(browser, back), `${publicUrl}/`);
    const again = server.browser();
    assert.equal(await come(again, back), refused);
    for (const one of [stranger, other, forged, again]) assert.equal(one.cookies.has(session), false);
  });

  it('takes no code that another browser was given: the attacker’s own login is not planted (atk-63)', async () => {
    sit('attacker');
    const codeOfAttacker = (await begin(server.browser())).searchParams.get('code') ?? '';
    const victim = server.browser();
    const back = await begin(victim);
    back.searchParams.set('code', codeOfAttacker);
    assert.equal(await come(victim, back), refused);
    assert.equal(victim.cookies.has(session), false);
  });

  it('takes no login that was begun more than ten minutes ago (atk-63)', async () => {
    sit('slow');
    const browser = server.browser();
    const back = await begin(browser);
    await server.clock.advance(10 * minute);
    assert.equal(await come(browser, back), refused);
  });

  it('leads nobody to another place (atk-63)', async () => {
    sit('led');
    for (const next of ['https://evil.example', '//evil.example', '/\\evil.example', '/.//evil.example']) {
      const { end = '' } = await enter(next);
      assert.equal(new URL(end).origin, publicUrl, next);
    }
  });

  it('plants no session: the one of before is over (atk-63)', async () => {
    sit('fixed');
    const browser = server.browser();
    browser.cookies.set(session, 'A'.repeat(43));
    await come(browser, await begin(browser));
    assert.notEqual(browser.cookies.get(session), 'A'.repeat(43));
  });

  it('links by the numeric id alone: neither the name nor the address of an account gives it away (atk-63)', async () => {
    await server.login('boss', true);
    const user = sit('Boss');
    user.email = 'boss@example.org';
    const { browser } = await enter();
    const { body } = await browser.get('/api/auth/me');
    assert.deepEqual([body.name, body.isAdmin], [`github-${user.id}`, false]);
    assert.equal((await server.accounts.find({ name: 'boss' }))?.forge, undefined);
  });

  it('knows who changed their name at GitHub, and not who took the name then (atk-63)', async () => {
    const old = sit('renamed');
    const before = (await (await enter()).browser.get('/api/auth/me')).body.account;
    old.login = 'newname';
    const taker = sit('renamed');
    const { browser } = await enter();
    assert.notEqual((await browser.get('/api/auth/me')).body.account, before);
    github.person.user = old.id;
    const me = (await (await enter()).browser.get('/api/auth/me')).body;
    assert.deepEqual([me.account, me.github], [before, 'newname']);
    assert.notEqual(old.id, taker.id);
  });

  it('links the account of who is logged in, only with a page of ours, and takes none that is another’s (atk-63)', async () => {
    const user = sit('linker');
    const browser = await server.login('local');
    assert.equal((await browser.post('/api/auth/github', undefined, { origin: 'https://evil.example', 'x-cion': '1' })).status, 403);
    const { url } = (await browser.post('/api/auth/github')).body;
    await browser.follow(url);
    assert.equal((await server.accounts.get(browser.id))?.forge?.id, String(user.id));
    assert.equal((await (await enter()).browser.get('/api/auth/me')).body.name, 'local');

    const thief = await server.login('thief');
    const stolen = (await thief.post('/api/auth/github')).body.url;
    assert.equal((await thief.follow(stolen)).at(-1), refused);
    assert.equal((await server.accounts.get(thief.id))?.forge, undefined);

    const left = await server.login('left');
    sit('late');
    const begun = (await left.post('/api/auth/github')).body.url;
    await left.post('/api/auth/logout');
    assert.equal((await left.follow(begun)).at(-1), refused);
    assert.equal((await server.accounts.get(left.id))?.forge, undefined);
  });

  it('lets a closed account in no more, also by GitHub', async () => {
    const user = sit('closed');
    await enter();
    const account = await server.accounts.find({ forge: { url: github.url, id: String(user.id) } });
    await server.accounts.change(account?.id ?? '', (before) => ({ ...before, isClosed: true }));
    const { browser, end } = await enter();
    assert.deepEqual([end, browser.cookies.has(session)], [refused, false]);
  });

  it('says that GitHub does not answer when it does not', async () => {
    sit('unlucky');
    const mend = github.route('GET', '/user', () => ({ status: 503, body: 'unicorn' }));
    assert.equal((await enter()).end, `${publicUrl}/login?error=FORGE_UNREACHABLE`);
    mend();
    assert.equal((await enter()).end, `${publicUrl}/`);
  });

  it('takes back what GitHub takes back within five minutes, members or not (atk-63)', async () => {
    const user = sit('worker');
    const { browser } = await enter();
    const { account } = (await browser.get('/api/auth/me')).body;
    const repository = github.addRepository('acme/secret', { isPrivate: true });
    const forge = { kind: 'github', url: github.url, repository: String(repository.id) } as const;
    const project = server.addProject('acme/secret', { forge });
    const may = async (right: string) => (await browser.get(`/may/${right}?project=${project}`)).body;
    assert.equal(await may('read'), false);
    await server.clock.advance(5 * minute);
    repository.may.set(user.id, 'push');
    assert.deepEqual([await may('read'), await may('run'), await may('settings')], [true, true, false]);
    await server.members.set(project, account, 'owner');
    assert.equal(await may('settings'), true);

    repository.may.delete(user.id);
    await server.clock.advance(5 * minute);
    assert.deepEqual([await may('read'), await may('settings')], [false, false]);
  });

  it('asks GitHub for a right once in five minutes, and takes no answer for no', async () => {
    const user = sit('often');
    const { browser } = await enter();
    const repository = github.addRepository('acme/often', { isPrivate: true });
    repository.may.set(user.id, 'admin');
    const project = server.addProject('acme/often', { forge: { kind: 'github', url: github.url, repository: String(repository.id) } });
    const may = async (right: string) => (await browser.get(`/may/${right}?project=${project}`)).body;
    const asked = () => github.requests.filter(({ path }) => path === `/repositories/${repository.id}`).length;
    assert.deepEqual([await may('settings'), await may('secrets'), await may('read'), asked()], [true, true, true, 1]);
    await server.clock.advance(5 * minute);
    const mend = github.route('GET', '/repositories/:id', () => ({ status: 502 }));
    assert.equal(await may('read'), false);
    mend();
    assert.equal(await may('read'), true);
  });

  it('gives the repository that took a name nothing of the one that had it (atk-63)', async () => {
    const user = sit('squatter');
    const { browser } = await enter();
    const project = server.addProject('acme/gone', { forge: { kind: 'github', url: github.url, repository: '999999' } });
    github.addRepository('acme/gone', { isPrivate: true }).may.set(user.id, 'admin');
    assert.equal((await browser.get(`/may/read?project=${project}`)).body, false);
  });
});

describe('a server whose accounts are made by its admins', () => {
  it('lets in whom GitHub knows only when an account here is linked with it (atk-66)', async () => {
    const github = await githubStandIn();
    const server = await authServer({ github, join: 'known' });
    const user = github.addUser('passer-by');
    github.person.user = user.id;
    const enter = async () => {
      const browser = server.browser();
      await browser.follow((await browser.get('/api/auth/github')).headers.get('location') ?? '');
      return browser.cookies.has(session);
    };
    assert.equal(await enter(), false);
    assert.deepEqual(await server.accounts.list(), []);
    const local = await server.login('ada');
    await local.follow((await local.post('/api/auth/github')).body.url);
    assert.equal(await enter(), true);
    assert.equal((await server.browser().post('/api/auth/login', { name: 'ada', password: goodPassword })).status, 200);
    await server.close();
    await github.close();
  });
});

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Account } from '../../store/accounts.ts';
import type { ForgeStandIn } from '../forges/testing/forge-stand-in.ts';
import { type AuthServer, authServer, goodPassword, publicUrl } from './testing/auth-server.ts';
import type { Browser } from './testing/browser.ts';

const session = '__Host-cion';
const refused = `${publicUrl}/login?error=FORGE_LOGIN_REFUSED`;
const minute = 60_000;

/** What logging in is with each forge, which is a real server that speaks as that forge does. */
export const forgeLoginContract = (kind: ForgeStandIn['kind'], start: () => Promise<ForgeStandIn>): void => {
  const path = `/api/auth/${kind}`;
  const callback = `${publicUrl}${path}/callback`;

  describe(`logging in with ${kind}`, () => {
    let forge: ForgeStandIn;
    let server: AuthServer;
    before(async () => {
      forge = await start();
      forge.oauth.callback.url = callback;
      server = await authServer({ forges: [forge] });
    });
    after(async () => {
      await server.close();
      await forge.server.close();
    });
    beforeEach(() => {
      forge.oauth.person.says = 'yes';
    });

    const sit = (login: string) => {
      const user = forge.addUser(login);
      forge.oauth.person.user = user.id;
      return user;
    };

    const tokensOf = (user?: string) =>
      [...forge.oauth.tokens].flatMap(([token, one]) => (user === undefined || one.user === user ? [token] : []));
    const of = (repository: string) => ({ forge: { kind, url: forge.url, repository } });
    const idOf = (account: Account | undefined) => account?.forges.find(({ url }) => url === forge.url)?.id;

    /** Begins a login and says where the forge leads back to, without going there. */
    const begin = async (browser: Browser, next?: string): Promise<URL> => {
      const { headers } = await browser.get(`${path}${next === undefined ? '' : `?next=${encodeURIComponent(next)}`}`);
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
      assert.deepEqual([status, body.name, body.forges, body.isAdmin], [200, 'octo-cat', [{ kind, login: 'Octo-Cat' }], false]);
      const account = await server.accounts.find({ forge: { url: forge.url, id: user.id } });
      assert.equal(account?.id, body.account);
      const again = await enter();
      assert.equal((await again.browser.get('/api/auth/me')).body.account, body.account);
    });

    it('makes no session for who says no, and notes it (R-DCO-03)', async () => {
      sit('denier');
      forge.oauth.person.says = 'no';
      const { browser, end } = await enter();
      assert.equal(end, refused);
      assert.equal(browser.cookies.size, 0);
      assert.equal((await browser.get('/api/auth/me')).status, 401);
      assert.equal(await server.accounts.find({ name: 'denier' }), undefined);
      assert.equal((await server.audit.list({ action: 'login', limit: 1 }))[0]?.outcome, 'refused');
    });

    it('keeps the token of the forge sealed, for its account alone (R-DCO-03)', async () => {
      const user = sit('sealed');
      await enter();
      const account = await server.accounts.find({ forge: { url: forge.url, id: user.id } });
      const [token = '-', ...more] = tokensOf(user.id);
      assert.deepEqual(more, []);
      assert.equal(JSON.stringify(account).includes(token), false);
      assert.equal(await server.forgeTokens.of(account?.id ?? '', forge.url), token);
      const [kept] = account?.forges ?? [];
      assert.throws(() => server.sealer.open(kept?.token ?? '', 'account/acc_other/forge-token'));
    });

    it('asks the forge with PKCE, a state, and one address to come back to, and sends its secret in no address (atk-63)', async () => {
      sit('pkce');
      await enter();
      const asked = forge.server.requests.findLast(({ path: one }) => one === forge.oauth.paths.authorize)?.query;
      assert.deepEqual([asked?.get('redirect_uri'), asked?.get('code_challenge_method')], [callback, 'S256']);
      assert.match(asked?.get('state') ?? '', /^[A-Za-z0-9_-]{43}$/);
      for (const { path: one, query } of forge.server.requests) {
        for (const secret of [forge.oauth.app.clientSecret, ...tokensOf()]) assert.equal(`${one}?${query}`.includes(secret), false);
      }
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
      assert.deepEqual([body.name, body.isAdmin], [`${kind}-${user.id}`, false]);
      assert.deepEqual((await server.accounts.find({ name: 'boss' }))?.forges, []);
    });

    it('knows who changed their name at the forge, and not who took the name then (atk-63)', async () => {
      const old = sit('renamed');
      const before = (await (await enter()).browser.get('/api/auth/me')).body.account;
      old.login = 'newname';
      const taker = sit('renamed');
      const { browser } = await enter();
      assert.notEqual((await browser.get('/api/auth/me')).body.account, before);
      forge.oauth.person.user = old.id;
      const me = (await (await enter()).browser.get('/api/auth/me')).body;
      assert.deepEqual([me.account, me.forges], [before, [{ kind, login: 'newname' }]]);
      assert.notEqual(old.id, taker.id);
    });

    it('links the account of who is logged in, only with a page of ours, and takes none that is another’s (atk-63)', async () => {
      const user = sit('linker');
      const browser = await server.login('local');
      assert.equal((await browser.post(path, undefined, { origin: 'https://evil.example', 'x-cion': '1' })).status, 403);
      const { url } = (await browser.post(path)).body;
      await browser.follow(url);
      assert.equal(idOf(await server.accounts.get(browser.id)), user.id);
      assert.equal((await (await enter()).browser.get('/api/auth/me')).body.name, 'local');

      const thief = await server.login('thief');
      const stolen = (await thief.post(path)).body.url;
      assert.equal((await thief.follow(stolen)).at(-1), refused);
      assert.deepEqual((await server.accounts.get(thief.id))?.forges, []);

      const left = await server.login('left');
      sit('late');
      const begun = (await left.post(path)).body.url;
      await left.post('/api/auth/logout');
      assert.equal((await left.follow(begun)).at(-1), refused);
      assert.deepEqual((await server.accounts.get(left.id))?.forges, []);
    });

    it('lets a closed account in no more, also by the forge', async () => {
      const user = sit('closed');
      await enter();
      const account = await server.accounts.find({ forge: { url: forge.url, id: user.id } });
      await server.accounts.change(account?.id ?? '', (before) => ({ ...before, isClosed: true }));
      const { browser, end } = await enter();
      assert.deepEqual([end, browser.cookies.has(session)], [refused, false]);
    });

    it('says that the forge does not answer when it does not', async () => {
      sit('unlucky');
      const mend = forge.server.route('GET', forge.questions.person, () => ({ status: 503, body: 'unicorn' }));
      assert.equal((await enter()).end, `${publicUrl}/login?error=FORGE_UNREACHABLE`);
      mend();
      assert.equal((await enter()).end, `${publicUrl}/`);
    });

    it('takes back what the forge takes back within five minutes, members or not (atk-63)', async () => {
      const user = sit('worker');
      const { browser } = await enter();
      const { account } = (await browser.get('/api/auth/me')).body;
      const repository = forge.add('acme/secret', { admins: [], isPrivate: true });
      const project = server.addProject('acme/secret', of(repository));
      const may = async (right: string) => (await browser.get(`/may/${right}?project=${project}`)).body;
      assert.equal(await may('read'), false);
      await server.clock.advance(5 * minute);
      forge.let(user.id, repository, 'push');
      assert.deepEqual([await may('read'), await may('run'), await may('settings')], [true, true, false]);
      await server.members.set(project, account, 'owner');
      assert.equal(await may('settings'), true);

      forge.let(user.id, repository, undefined);
      await server.clock.advance(5 * minute);
      assert.deepEqual([await may('read'), await may('settings')], [false, false]);
    });

    it('asks the forge for a right once in five minutes, and takes no answer for no', async () => {
      const user = sit('often');
      const { browser } = await enter();
      const repository = forge.add('acme/often', { admins: [], isPrivate: true });
      forge.let(user.id, repository, 'admin');
      const project = server.addProject('acme/often', of(repository));
      const may = async (right: string) => (await browser.get(`/may/${right}?project=${project}`)).body;
      const asked = () => forge.server.requests.filter(({ path: one }) => one === forge.questions.repository(repository)).length;
      assert.deepEqual([await may('settings'), await may('secrets'), await may('read'), asked()], [true, true, true, 1]);
      await server.clock.advance(5 * minute);
      const mend = forge.server.route('GET', forge.questions.repository(repository), () => ({ status: 502 }));
      assert.equal(await may('read'), false);
      mend();
      assert.equal(await may('read'), true);
    });

    it('gives the repository that took a name nothing of the one that had it (atk-63)', async () => {
      const user = sit('squatter');
      const { browser } = await enter();
      const project = server.addProject('acme/gone', of('999999'));
      forge.let(user.id, forge.add('acme/gone', { admins: [], isPrivate: true }), 'admin');
      assert.equal((await browser.get(`/may/read?project=${project}`)).body, false);
    });
    it('gives what somebody may at the forge as a role, and what all may see to who is logged in with it', async () => {
      const user = sit('roles');
      const { browser } = await enter();
      const may = async (project: string) =>
        Promise.all(['read', 'run', 'settings'].map(async (right) => (await browser.get(`/may/${right}?project=${project}`)).body));
      const all = [
        ['pull', [true, false, false]],
        ['push', [true, true, false]],
        ['admin', [true, true, true]],
      ] as const;
      for (const [level, rights] of all) {
        const repository = forge.add(`acme/${level}`, { admins: [], isPrivate: true });
        forge.let(user.id, repository, level);
        assert.deepEqual(await may(server.addProject(`acme/${level}`, of(repository))), rights, level);
      }
      const open = server.addProject('acme/open', of(forge.add('acme/open', { admins: [] })));
      assert.deepEqual(await may(open), [true, false, false]);
    });

    it('gives nothing for a name that looks like one of another owner, or is one at another forge (atk-63)', async () => {
      const user = sit('looker');
      const { browser } = await enter();
      const wanted = forge.add('acme/app', { admins: ['boss'], isPrivate: true });
      const project = server.addProject('acme/app', of(wanted));
      for (const alike of ['аcme/app', 'ACME/app', 'acme-/app', 'acme/app/app', 'looker/acme/app']) {
        forge.let(user.id, forge.add(alike, { admins: [], isPrivate: true }), 'admin');
      }
      const may = async (of: string) => (await browser.get(`/may/read?project=${of}`)).body;
      assert.equal(await may(project), false);
      const elsewhere = server.addProject('acme/elsewhere', { forge: { kind, url: 'https://other.example/api', repository: wanted } });
      forge.let(user.id, wanted, 'admin');
      await server.clock.advance(5 * minute);
      assert.deepEqual([await may(project), await may(elsewhere)], [true, false]);
    });

    it('renews a token that runs out, once for all who ask, and asks for a new login when the forge takes no other (atk-63)', async () => {
      const user = sit('lasting');
      const { browser } = await enter();
      const { account } = (await browser.get('/api/auth/me')).body;
      const repository = forge.add('acme/lasting', { admins: [], isPrivate: true });
      forge.let(user.id, repository, 'push');
      const project = server.addProject('acme/lasting', of(repository));
      const may = async () => (await browser.get(`/may/run?project=${project}`)).body;
      assert.equal(await may(), true);
      const [first] = tokensOf(user.id);
      await server.clock.advance(3 * 60 * minute);
      const asked = () => forge.server.requests.filter(({ path: one }) => one === forge.oauth.paths.token).length;
      const before = asked();
      const tokens = await Promise.all(Array.from({ length: 5 }, () => server.forgeTokens.of(account, forge.url)));
      assert.deepEqual(new Set(tokens).size, 1);
      assert.equal(await may(), true);
      const runsOut = kind !== 'github';
      assert.deepEqual([asked() - before, tokens[0] !== first], runsOut ? [1, true] : [0, false]);
      await server.clock.advance(3 * 60 * minute);
      assert.equal(await may(), true, 'with the token that came in its place');

      await server.clock.advance(3 * 60 * minute);
      const mend = forge.server.route('POST', forge.oauth.paths.token, () => ({ status: 503 }));
      if (runsOut) await assert.rejects(server.forgeTokens.of(account, forge.url), { code: 'FORGE_UNREACHABLE' });
      assert.equal(await may(), !runsOut);
      mend();
      assert.equal(await may(), true, 'no answer was no refusal');

      await server.clock.advance(3 * 60 * minute);
      const deny = forge.server.route('POST', forge.oauth.paths.token, () => ({ status: 400, body: { error: 'invalid_grant' } }));
      forge.oauth.tokens.clear();
      assert.equal(await server.forgeTokens.of(account, forge.url), runsOut ? undefined : first);
      assert.equal(await may(), false);
      deny();
      assert.equal(await come(browser, await begin(browser)), `${publicUrl}/`);
      assert.equal(await may(), true, 'a new login counts at once');
    });

    it('sends code and secret nowhere else, whatever the forge answers (atk-59, atk-67)', async (t) => {
      sit('redirected');
      const elsewhere = await start();
      t.after(() => elsewhere.server.close());
      for (const status of [302, 307]) {
        const location = `${elsewhere.server.url}${forge.oauth.paths.token}`;
        const mend = forge.server.route('POST', forge.oauth.paths.token, () => ({ status, headers: { location } }));
        assert.equal((await enter()).end, `${publicUrl}/login?error=FORGE_UNREACHABLE`);
        mend();
      }
      assert.deepEqual(elsewhere.server.requests, []);
    });
  });

  describe(`a server of ${kind} whose accounts are made by its admins`, () => {
    it('lets in whom the forge knows only when an account here is linked with it (atk-66)', async () => {
      const forge = await start();
      const server = await authServer({ forges: [forge], join: 'known' });
      const user = forge.addUser('passer-by');
      forge.oauth.person.user = user.id;
      const enter = async () => {
        const browser = server.browser();
        await browser.follow((await browser.get(path)).headers.get('location') ?? '');
        return browser.cookies.has(session);
      };
      assert.equal(await enter(), false);
      assert.deepEqual(await server.accounts.list(), []);
      const local = await server.login('ada');
      await local.follow((await local.post(path)).body.url);
      assert.equal(await enter(), true);
      assert.equal((await server.browser().post('/api/auth/login', { name: 'ada', password: goodPassword })).status, 200);
      await server.close();
      await forge.server.close();
    });
  });
};

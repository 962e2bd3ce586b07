import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import type { ForgeApi } from './forge-api.ts';
import type { ForgeStandIn } from './testing/forge-stand-in.ts';

const hook = { url: 'https://cion.example/hooks/x/ada/app', secret: Buffer.alloc(32, 1).toString('base64') };
const key = { title: 'cion (https://cion.example)', public: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE9uZQ== cion' };
const otherKey = { ...key, public: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFR3bw== cion' };
const commit = 'c'.repeat(40);

/** What every adapter does at its forge, which is a real server that speaks as that forge does. */
export const forgeApiContract = (name: string, start: () => Promise<ForgeStandIn>): void => {
  describe(`ForgeApi: ${name}`, () => {
    let forge: ForgeStandIn;
    let api: ForgeApi;
    let strangers: ForgeApi;
    before(async () => {
      forge = await start();
      const access = { url: forge.url, clock: systemClock };
      api = forge.open({ ...access, token: forge.token('ada') });
      strangers = forge.open({ ...access, token: forge.token('eve') });
    });
    after(() => forge.server.close());

    it('lists the repositories that the account may administer, over several pages (R-DCO-04)', async () => {
      const own = Array.from({ length: 120 }, (_, i) => forge.add(`many/r${String(i).padStart(3, '0')}`, { admins: ['grace'] }));
      forge.add('many/another', { admins: ['ada'] });
      const grace = forge.open({ url: forge.url, clock: systemClock, token: forge.token('grace') });
      const listed = await grace.repositories();
      assert.deepEqual(listed.map(({ id }) => id).sort(), own.sort());
      assert.deepEqual(listed[0], {
        id: own[0],
        name: 'many/r000',
        cloneUrl: 'https://forge.example/many/r000.git',
        sshUrl: 'git@forge.example:many/r000.git',
        defaultBranch: 'main',
        visibility: 'public',
        mayAdminister: true,
      });
    });

    it('finds a repository by its number, whatever it is called now, and none that may not be seen', async () => {
      const id = forge.add('ada/found', { admins: ['ada'], isPrivate: true });
      forge.rename(id, 'ada/renamed');
      const found = await api.repository(id);
      assert.deepEqual([found?.name, found?.visibility, found?.mayAdminister], ['ada/renamed', 'private', true]);
      assert.equal(await strangers.repository(id), undefined);
      for (const none of ['999999', '', '0', '../user', '1/hooks', 'ada%2Ffound'])
        assert.equal(await api.repository(none), undefined, none);
      const open = forge.add('ada/open', { admins: ['ada'] });
      assert.equal((await strangers.repository(open))?.mayAdminister, false);
    });

    it('makes one webhook with its secret, however often it is asked, beside those of others (R-DCO-05)', async () => {
      const id = forge.add('ada/hooked', { admins: ['ada'] });
      const other = await api.ensureHook(id, { ...hook, url: 'https://other.example/hook' });
      const first = await api.ensureHook(id, hook);
      const changed = { ...hook, secret: Buffer.alloc(32, 2).toString('base64') };
      assert.equal(await api.ensureHook(id, changed), first);
      assert.equal(await api.ensureHook(id, changed), first);
      const hooks = forge.hooks(id);
      assert.deepEqual(hooks.map((one) => one.id).sort(), [first, other].sort());
      const mine = hooks.find((one) => one.id === first);
      assert.equal(mine?.url, hook.url);
      assert.equal(mine?.secret.replace('whsec_', ''), changed.secret);
      assert.ok((mine?.events.length ?? 0) >= 3);
    });

    it('makes one deploy key that may only read, and a new one in the place of another with its title (R-DCO-06)', async () => {
      const id = forge.add('ada/keyed', { admins: ['ada'] });
      const first = await api.ensureKey(id, key);
      assert.equal(await api.ensureKey(id, { ...key, public: key.public.replace(' cion', '') }), first);
      assert.deepEqual(forge.keys(id), [{ id: first, title: key.title, key: key.public, isReadOnly: true }]);
      const second = await api.ensureKey(id, otherKey);
      assert.deepEqual(forge.keys(id), [{ id: second, title: key.title, key: otherKey.public, isReadOnly: true }]);
    });

    it('removes hook and key, and does not mind when they are gone, or the repository (R-DCO-07)', async () => {
      const id = forge.add('ada/left', { admins: ['ada'] });
      const what = {
        hook: await api.ensureHook(id, hook),
        key: await api.ensureKey(id, { ...key, public: `${key.public}3`.replace('== ', '=3 ') }),
      };
      await api.remove(id, what);
      assert.deepEqual([forge.hooks(id), forge.keys(id)], [[], []]);
      await api.remove(id, what);
      forge.delete(id);
      await api.remove(id, what);
    });

    it('sets a status of a commit with each outcome', async () => {
      const id = forge.add('ada/told', { admins: ['ada'] });
      const status = { context: 'cion/build', description: 'Run 1', url: 'https://cion.example/ada/told/1' };
      for (const state of ['pending', 'passed', 'failed', 'errored', 'cancelled'] as const)
        await api.setStatus(id, commit, { ...status, state });
      const told = forge.statuses.filter(({ repository }) => repository === id);
      assert.deepEqual(
        told.map(({ state: _state, ...rest }) => rest),
        Array.from({ length: 5 }, () => ({ repository: id, commit, ...status })),
      );
      assert.equal(new Set(told.map(({ state }) => state)).size >= 4, true);
    });

    it('says what went wrong in words of its own, without token, secret or the answer (atk-59)', async () => {
      const id = forge.add('ada/wrong', { admins: ['ada'] });
      const said = async (asked: Promise<unknown>, code: string) =>
        assert.rejects(asked, (error: Error & { code?: string }) => {
          assert.equal(error.code, code, error.message);
          const all = JSON.stringify(error, Object.getOwnPropertyNames(error)) + String(error.cause);
          for (const secret of [forge.token('ada'), forge.token('eve'), hook.secret, 'echo']) assert.ok(!all.includes(secret), all);
          return true;
        });
      await said(strangers.ensureHook(id, hook), 'FORGE_NOT_FOUND');
      await said(forge.open({ url: forge.url, clock: systemClock, token: 'none' }).repositories(), 'FORGE_REFUSED');
      const answers = [
        [{ status: 500, body: `echo ${hook.secret}` }, 'FORGE_FAILED'],
        [{ status: 429, body: 'echo' }, 'FORGE_BUSY'],
        [{ status: 403, body: 'echo', headers: { 'retry-after': '7' } }, 'FORGE_BUSY'],
        [{ status: 403, body: 'echo' }, 'FORGE_REFUSED'],
        [{ status: 200, body: '<html>echo' }, 'FORGE_FAILED'],
        [{ status: 200, body: { echo: 1 } }, 'FORGE_FAILED'],
      ] as const;
      for (const [answer, code] of answers) {
        const path = [...forge.server.requests].reverse().find(({ method }) => method === 'GET')?.path ?? '';
        const stop = forge.server.route('GET', path, () => answer);
        await said(api.repositories(), code);
        stop();
      }
    });

    it('goes nowhere else, whatever the forge answers (atk-67)', async () => {
      const elsewhere = await start();
      const back = forge.server.route('GET', '/moved', () => ({ status: 200, body: [] }));
      for (const location of [`${elsewhere.server.url}/user/repos`, '/moved']) {
        const path =
          [...forge.server.requests].reverse().find(({ path }) => path.endsWith('/repos') || path.endsWith('/projects'))?.path ?? '';
        const stop = forge.server.route('GET', path, () => ({ status: 302, headers: { location } }));
        await assert.rejects(api.repositories(), { code: 'FORGE_REFUSED' });
        stop();
      }
      assert.deepEqual(elsewhere.server.requests, []);
      assert.equal(
        forge.server.requests.some(({ path }) => path === '/moved'),
        false,
      );
      back();
      await elsewhere.server.close();
      await assert.rejects(elsewhere.open({ url: elsewhere.url, clock: systemClock, token: 'x' }).repositories(), {
        code: 'FORGE_UNREACHABLE',
      });
    });
  });
};

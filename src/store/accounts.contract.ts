import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Account, AccountStore, ForgeIdentity } from './accounts.ts';
import { someAccount } from './testing/some-account.ts';

export type AccountsUnderTest = { readonly accounts: AccountStore; readonly close: () => Promise<void> };

const atForge = (id: string): ForgeIdentity => ({ kind: 'github', url: 'https://api.github.com', id, login: 'ada', token: 'v1.sealed' });
const atOther = (id: string): ForgeIdentity => ({ ...atForge(id), kind: 'gitlab', url: 'https://gitlab.example/api/v4' });

/** What every adapter of AccountStore promises. `make`: without accounts. */
export const accountsContract = (name: string, skip: string | false, make: () => Promise<AccountsUnderTest>): void => {
  describe(`${name} keeps the contract of AccountStore`, { skip }, () => {
    let made: AccountsUnderTest;
    let accounts: AccountStore;
    before(async () => {
      made = await make();
      accounts = made.accounts;
    });
    after(() => made.close());

    it('makes one first admin, however many ask for it at the same time, and never another (atk-66)', async () => {
      await accounts.add(someAccount());
      const tries = await Promise.all(Array.from({ length: 8 }, () => accounts.addFirst(someAccount({ isAdmin: true }))));
      assert.deepEqual(tries.filter(Boolean), [true]);
      assert.equal((await accounts.list()).filter(({ isAdmin }) => isAdmin).length, 1);
      assert.equal(await accounts.addFirst(someAccount({ isAdmin: true })), false);
    });

    it('gives back what it was given, found by id, by name and by who it is at the forge', async () => {
      const full: Account = someAccount({ password: '$argon2id$x', forges: [atForge('41'), atOther('4')], isAdmin: true, isClosed: true });
      const bare = someAccount();
      for (const account of [full, bare]) {
        assert.equal(await accounts.add(account), true);
        assert.deepEqual(await accounts.get(account.id), account);
        assert.deepEqual(await accounts.find({ name: account.name }), account);
      }
      assert.deepEqual(await accounts.find({ forge: { url: 'https://api.github.com', id: '41' } }), full);
      assert.deepEqual(await accounts.find({ forge: { url: 'https://gitlab.example/api/v4', id: '4' } }), full);
      for (const url of ['https://gitlab.example/api/v4', 'https://git.example.org/api'])
        assert.equal(await accounts.find({ forge: { url, id: '41' } }), undefined);
      assert.equal(await accounts.find({ forge: { url: 'https://api.github.com', id: '42' } }), undefined);
      assert.equal(await accounts.get('acc_none'), undefined);
      assert.equal(await accounts.find({ name: 'nobody' }), undefined);
    });

    it('lists all by name', async () => {
      const names = (await accounts.list()).map(({ name }) => name);
      assert.deepEqual(names, names.toSorted());
      assert.ok(names.length > 2);
    });

    it('has each name once, and each account of the forge', async () => {
      const one = someAccount({ forges: [atForge('51')] });
      assert.equal(await accounts.add(one), true);
      assert.equal(await accounts.add(someAccount({ name: one.name })), false);
      assert.equal(await accounts.add(someAccount({ forges: [atForge('51')] })), false);
      const half = someAccount({
        forges: [atForge('52'), atForge('51')].map((one, i) => ({ ...one, url: i === 0 ? atOther('').url : one.url })),
      });
      assert.equal(await accounts.add(half), false);
      assert.equal(await accounts.get(half.id), undefined, 'nothing of it is there');
      assert.equal(await accounts.add(someAccount({ forges: [atOther('51')] })), true);
      const name = someAccount().name;
      const tries = await Promise.all(Array.from({ length: 5 }, () => accounts.add(someAccount({ name }))));
      assert.deepEqual(tries.filter(Boolean), [true]);
    });

    it('changes an account in one go, so that no change is lost, and takes away what is left out', async () => {
      const account = someAccount({ password: '0', forges: [atForge('61'), atOther('61')] });
      await accounts.add(account);
      const more = (before: Account): Account => ({ ...before, password: String(Number(before.password) + 1) });
      await Promise.all(Array.from({ length: 10 }, () => accounts.change(account.id, more)));
      assert.equal((await accounts.get(account.id))?.password, '10');
      assert.equal(
        await accounts.change(account.id, ({ password: _gone, ...rest }) => ({ ...rest, forges: [atOther('61')], isClosed: true })),
        'changed',
      );
      const { password: _password, ...rest } = account;
      assert.deepEqual(await accounts.get(account.id), { ...rest, forges: [atOther('61')], isClosed: true });
    });

    it('links nobody with an account of the forge that is another’s (atk-63)', async () => {
      const [one, other] = [someAccount({ forges: [atForge('71')] }), someAccount({ forges: [atOther('71')] })];
      await accounts.add(one);
      await accounts.add(other);
      assert.equal(await accounts.change(other.id, (before) => ({ ...before, forges: [...before.forges, atForge('71')] })), 'taken');
      assert.deepEqual(await accounts.get(other.id), other);
      assert.equal(await accounts.change('acc_none', (before) => before), 'unknown');
    });
  });
};

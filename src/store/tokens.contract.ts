import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { AccountStore } from './accounts.ts';
import { someAccount, someHash } from './testing/some-account.ts';
import type { Token, TokenStore } from './tokens.ts';

export type TokensUnderTest = {
  readonly tokens: TokenStore;
  readonly accounts: Pick<AccountStore, 'add'>;
  readonly close: () => Promise<void>;
};

/** What every adapter of TokenStore promises. */
export const tokensContract = (name: string, skip: string | false, make: () => Promise<TokensUnderTest>): void => {
  describe(`${name} keeps the contract of TokenStore`, { skip }, () => {
    let made: TokensUnderTest;
    let tokens: TokenStore;
    before(async () => {
      made = await make();
      tokens = made.tokens;
    });
    after(() => made.close());

    const anybody = async (): Promise<string> => {
      const account = someAccount();
      await made.accounts.add(account);
      return account.id;
    };
    const added = async (of: Token['of'], createdAt = 1000, more: Partial<Token> = {}): Promise<Token> => {
      const hash = someHash();
      const token = { id: `tok_${hash.slice(0, 8)}`, hash, name: 'laptop', of, createdAt, ...more };
      await tokens.add(token);
      return token;
    };

    it('gives back what it was given, by its hash alone, with when it was last used', async () => {
      const account = await anybody();
      const kinds: readonly Token['of'][] = [
        { kind: 'account', account, scopes: ['read', 'run'], project: 'acme/shop' },
        { kind: 'account', account, scopes: [] },
        { kind: 'worker', worker: 'builder-1' },
        { kind: 'worker' },
      ];
      for (const of of kinds) {
        const token = await added(of, 5000, { expiresAt: 9000 });
        assert.deepEqual(await tokens.find(token.hash), token);
        assert.equal(await tokens.find(token.id), undefined);
        await tokens.used(token.id, 7000);
        assert.deepEqual(await tokens.find(token.hash), { ...token, usedAt: 7000 });
      }
    });

    it('lists those of an account, or of workers, the newest first', async () => {
      const [ada, bob] = [await anybody(), await anybody()];
      const one = await added({ kind: 'account', account: ada, scopes: ['read'] }, 1000);
      const two = await added({ kind: 'account', account: ada, scopes: ['read'] }, 2000);
      await added({ kind: 'account', account: bob, scopes: ['read'] });
      const worker = await added({ kind: 'worker' }, 9_000_000);
      assert.deepEqual(await tokens.list({ account: ada }), [two, one]);
      assert.deepEqual((await tokens.list('workers'))[0], worker);
    });

    it('gives a worker’s token one name and never another, whoever comes at the same time (atk-15)', async () => {
      const token = await added({ kind: 'worker' });
      const names = await Promise.all(['a', 'b', 'c', 'd'].map((worker) => tokens.bind(token.id, worker)));
      assert.equal(new Set(names).size, 1);
      assert.equal(await tokens.bind(token.id, 'e'), names[0]);
      assert.deepEqual((await tokens.find(token.hash))?.of, { kind: 'worker', worker: names[0] });
      const named = await added({ kind: 'worker', worker: 'builder-1' });
      assert.equal(await tokens.bind(named.id, 'other'), 'builder-1');
      assert.equal(await tokens.bind('tok_none', 'other'), undefined);
    });

    it('removes with a token those that it made, and gives none to a token that is gone (atk-65)', async () => {
      const account = await anybody();
      const of = { kind: 'account', account, scopes: ['read'] } as const;
      const maker = await added(of);
      const [one, two] = [await added(of, 2000, { madeBy: maker.id }), await added(of, 3000, { madeBy: maker.id })];
      const other = await added(of, 4000);
      assert.deepEqual(await tokens.find(one.hash), one);
      assert.deepEqual(await tokens.list({ account, madeBy: maker.id }), [two, one]);
      assert.equal(await tokens.remove(other.id, { account, madeBy: maker.id }), false);
      assert.equal(await tokens.remove(one.id, { account, madeBy: maker.id }), true);
      assert.equal(await tokens.remove(maker.id, { account }), true);
      assert.deepEqual(await tokens.list({ account }), [other]);
      await assert.rejects(added(of, 5000, { madeBy: maker.id }));
      assert.deepEqual(await tokens.list({ account }), [other]);
    });

    it('removes only what belongs to who asks (atk-64)', async () => {
      const [ada, bob] = [await anybody(), await anybody()];
      const token = await added({ kind: 'account', account: ada, scopes: ['read'] });
      assert.equal(await tokens.remove(token.id, { account: bob }), false);
      assert.equal(await tokens.remove(token.id, 'workers'), false);
      assert.notEqual(await tokens.find(token.hash), undefined);
      assert.equal(await tokens.remove(token.id, { account: ada }), true);
      assert.equal(await tokens.find(token.hash), undefined);
      const worker = await added({ kind: 'worker' });
      assert.equal(await tokens.remove(worker.id, { account: ada }), false);
      assert.equal(await tokens.remove(worker.id, 'workers'), true);
    });
  });
};

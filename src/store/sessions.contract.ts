import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { AccountStore } from './accounts.ts';
import type { Session, SessionStore } from './sessions.ts';
import { someAccount, someHash } from './testing/some-account.ts';

export type SessionsUnderTest = {
  readonly sessions: SessionStore;
  readonly accounts: Pick<AccountStore, 'add'>;
  readonly close: () => Promise<void>;
};

/** What every adapter of SessionStore promises. */
export const sessionsContract = (name: string, skip: string | false, make: () => Promise<SessionsUnderTest>): void => {
  describe(`${name} keeps the contract of SessionStore`, { skip }, () => {
    let made: SessionsUnderTest;
    let sessions: SessionStore;
    before(async () => {
      made = await make();
      sessions = made.sessions;
    });
    after(() => made.close());

    const anybody = async (): Promise<string> => {
      const account = someAccount();
      await made.accounts.add(account);
      return account.id;
    };
    const begun = async (account: string, at: number, more: Partial<Session> = {}): Promise<Session> => {
      const hash = someHash();
      const session = { id: `ses_${hash.slice(0, 8)}`, hash, account, createdAt: at, seenAt: at, address: '203.0.113.7', agent: 'curl' };
      await sessions.add({ ...session, ...more });
      return { ...session, ...more };
    };
    const left = async (account: string): Promise<readonly string[]> => (await sessions.list(account)).map(({ id }) => id);

    it('gives back what it was given, by its hash alone, with when it was last seen', async () => {
      const session = await begun(await anybody(), 5000);
      assert.deepEqual(await sessions.find(session.hash), session);
      assert.equal(await sessions.find(session.id), undefined);
      await sessions.seen(session.hash, 9000);
      assert.deepEqual(await sessions.find(session.hash), { ...session, seenAt: 9000 });
    });

    it('lists those of one account, the newest first', async () => {
      const [ada, bob] = [await anybody(), await anybody()];
      const [one, two] = [await begun(ada, 5000), await begun(ada, 6000)];
      await begun(bob, 7000);
      assert.deepEqual(await sessions.list(ada), [two, one]);
    });

    it('ends one, all of an account, or all but one, and none of another account (atk-64)', async () => {
      const [ada, bob] = [await anybody(), await anybody()];
      const mine = [await begun(ada, 1000), await begun(ada, 2000), await begun(ada, 3000), await begun(ada, 4000)] as const;
      const his = await begun(bob, 5000);
      await sessions.end({ account: ada, id: his.id });
      await sessions.end({ account: ada, id: mine[0].id });
      await sessions.end({ hash: mine[1].hash });
      assert.deepEqual(await left(ada), [mine[3].id, mine[2].id]);
      await sessions.end({ account: ada, but: mine[2].hash });
      assert.deepEqual(await left(ada), [mine[2].id]);
      await sessions.end({ account: ada });
      assert.deepEqual(await left(ada), []);
      assert.deepEqual(await left(bob), [his.id]);
    });

    it('ends those that are old, and those that were not seen for long', async () => {
      const ada = await anybody();
      await begun(ada, 1000, { seenAt: 90_000 });
      await begun(ada, 50_000, { seenAt: 50_000 });
      const good = await begun(ada, 50_000, { seenAt: 90_000 });
      await sessions.end({ createdBefore: 2000, seenBefore: 60_000 });
      assert.deepEqual(await left(ada), [good.id]);
    });
  });
};

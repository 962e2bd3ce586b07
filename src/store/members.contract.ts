import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { AccountStore } from './accounts.ts';
import type { MemberStore } from './members.ts';
import { someAccount } from './testing/some-account.ts';

export type MembersUnderTest = {
  readonly members: MemberStore;
  readonly accounts: Pick<AccountStore, 'add'>;
  readonly close: () => Promise<void>;
};

/** What every adapter of MemberStore promises. */
export const membersContract = (name: string, skip: string | false, make: () => Promise<MembersUnderTest>): void => {
  describe(`${name} keeps the contract of MemberStore`, { skip }, () => {
    let made: MembersUnderTest;
    let members: MemberStore;
    const [ada, bob] = [someAccount({ id: 'acc_1' }), someAccount({ id: 'acc_2' })];
    before(async () => {
      made = await make();
      members = made.members;
      for (const account of [ada, bob]) await made.accounts.add(account);
    });
    after(() => made.close());

    it('knows each one’s newest role, in each project apart', async () => {
      await members.set('acme/shop', ada.id, 'reader');
      await members.set('acme/shop', ada.id, 'owner');
      await members.set('acme/shop', bob.id, 'writer');
      assert.equal(await members.roleOf('acme/shop', ada.id), 'owner');
      assert.equal(await members.roleOf('acme/other', ada.id), undefined);
      assert.deepEqual(await members.list('acme/shop'), [
        { account: ada.id, role: 'owner' },
        { account: bob.id, role: 'writer' },
      ]);
    });

    it('forgets one member, or all of a project, and nobody of another', async () => {
      await members.set('acme/one', ada.id, 'owner');
      await members.set('acme/one', bob.id, 'owner');
      await members.set('acme/two', bob.id, 'owner');
      await members.remove('acme/one', ada.id);
      await members.remove('acme/one', ada.id);
      assert.deepEqual(await members.list('acme/one'), [{ account: bob.id, role: 'owner' }]);
      await members.forget('acme/one');
      assert.deepEqual(await members.list('acme/one'), []);
      assert.equal(await members.roleOf('acme/two', bob.id), 'owner');
    });
  });
};

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { sealerOf } from '../../../secrets/sealer.ts';
import type { Letter, Subscription } from '../../../store/notifications.ts';
import { sqlOutbox, sqlSubscriptions } from '../../../store/sql/notifications.ts';
import { testDatabase } from '../../../store/sql/testing/test-database.ts';
import { sealTarget, type Target } from '../target.ts';

/** Wants all that there is to tell. */
export const everything = { outcomes: [], results: true, branches: [], environments: [], gates: true } as const;

/** Subscriptions and letters in a database for the tests of a file, empty before each. To be asked for once, outside of tests. */
export const letterStore = () => {
  const made = testDatabase();
  const sealer = sealerOf([randomBytes(32)]);
  return {
    sealer,
    get database() {
      return made.database;
    },
    get subscriptions() {
      return sqlSubscriptions(made.database);
    },
    get outbox() {
      return sqlOutbox(made.database);
    },
    /** Of what happens from now on: to be told all of it, if nothing else is said. */
    subscribe: async (target: Target, more: Partial<Subscription> = {}): Promise<void> => {
      const { id = 'sub1', project = 'acme/app' } = more;
      await sqlSubscriptions(made.database).add({
        id,
        project,
        way: target.way,
        target: sealTarget(sealer, target, { project, id }),
        place: 'somewhere',
        wants: everything,
        by: 'ada',
        createdAt: 0,
        ...more,
      });
    },
    letters: (subscription = 'sub1') => sqlOutbox(made.database).list(subscription, 100),
    /** The one letter that there is. */
    only: async (subscription = 'sub1'): Promise<Letter> => {
      const [one, ...more] = await sqlOutbox(made.database).list(subscription, 100);
      assert.equal(more.length, 0);
      assert.ok(one);
      return one;
    },
  };
};

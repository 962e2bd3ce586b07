import assert from 'node:assert/strict';
import { after, before, beforeEach } from 'node:test';
import type { Database } from '../database.ts';
import { type TestDatabase, testDatabases } from './databases.ts';

/** An embedded database for the tests of a file, empty before each. To be asked for once, outside of tests. */
export const testDatabase = (): { readonly database: Database } => {
  let made: TestDatabase;
  before(async () => {
    const [first] = testDatabases;
    assert.ok(first);
    made = await first.make();
  });
  beforeEach(() => made.clear());
  after(() => made.close());
  return {
    get database() {
      return made.database;
    },
  };
};

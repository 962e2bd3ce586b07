import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { type Migration, migrate, readMigrations } from './migrate.ts';
import { type TestDatabase, testDatabases } from './testing/databases.ts';

const step = (number: number, text: string): Migration => ({ number, name: `${number}-step.sql`, text });

for (const { name, skip, make } of testDatabases) {
  describe(`migrate: ${name}`, { skip }, () => {
    let made: TestDatabase;
    let own: readonly Migration[];
    before(async () => {
      made = await make();
      own = await readMigrations();
    });
    after(() => made.close());

    it('has nothing to do a second time', async () => {
      await migrate(made.database);
    });

    it('applies each step once, also when many processes do it at once', async () => {
      const steps = [
        ...own,
        step(9001, 'create table once_a (n int); insert into once_a values (1)'),
        step(9002, 'create table once_b (n int)'),
      ];
      const others = name === 'Postgres' ? await Promise.all([made.another(), made.another(), made.another()]) : [];
      await Promise.all([made.database, ...others].map((database) => migrate(database, steps)));
      assert.deepEqual((await sql`select n from once_a`.execute(made.database.sql)).rows, [{ n: 1 }]);
    });

    it('refuses a database that a newer version has changed', async () => {
      await assert.rejects(migrate(made.database, own), { code: 'STORE_OUTDATED', message: /9001-step\.sql/ });
    });

    it('refuses a step that was changed after it was applied', async () => {
      const changed = [...own, step(9001, 'create table other (n int)'), step(9002, 'create table once_b (n int)')];
      await assert.rejects(migrate(made.database, changed), { code: 'STORE_FAILED', message: /9001-step\.sql was changed/ });
    });

    it('leaves nothing of a step that fails, and all of those before it', async () => {
      const steps = [
        ...own,
        step(9001, 'create table once_a (n int); insert into once_a values (1)'),
        step(9002, 'create table once_b (n int)'),
        step(9003, 'create table before_it (n int)'),
        step(9004, 'create table half (n int); select no_such_column'),
      ];
      await assert.rejects(migrate(made.database, steps), { code: 'STORE_FAILED', message: /no_such_column/ });
      const { rows } = await sql`select to_regclass('before_it') is not null as before, to_regclass('half') is null as half`.execute(
        made.database.sql,
      );
      assert.deepEqual(rows, [{ before: true, half: true }]);
    });
  });
}

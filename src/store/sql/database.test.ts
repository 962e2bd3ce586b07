import assert from 'node:assert/strict';
import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { virtualClock } from '../../lib/virtual-clock.ts';
import { openDatabase } from './database.ts';
import { embeddedDirectory, type TestDatabase, testDatabases } from './testing/databases.ts';

for (const { name, skip, make } of testDatabases) {
  describe(`a database: ${name}`, { skip }, () => {
    let made: TestDatabase;
    before(async () => {
      made = await make();
    });
    after(() => made.close());

    it('gives int8 as a number, json as it was put in, and text arrays as arrays', async () => {
      const { rows } =
        await sql`select ${1_800_000_000_000}::bigint as n, ${JSON.stringify(['a', { b: 1 }])}::jsonb as j, ${['x', 'y']}::text[] as t`.execute(
          made.database.sql,
        );
      assert.deepEqual(rows, [{ n: 1_800_000_000_000, j: ['a', { b: 1 }], t: ['x', 'y'] }]);
    });

    it('refuses an int8 that is no exact number', async () => {
      const asked = sql`select ${'9007199254740993'}::bigint as n`.execute(made.database.sql);
      await assert.rejects(asked, { name: 'StoreError', code: 'STORE_FAILED' });
    });

    it('says of a statement that is refused its state and no value, and goes on', async () => {
      const db = made.database.sql;
      await sql`create table thing (name text constraint thing_name unique)`.execute(db);
      await sql`insert into thing values ('secret-value')`.execute(db);
      const again = sql`insert into thing values ('secret-value')`.execute(db);
      await assert.rejects(again, (error: Error) => {
        assert.equal(error.message, 'The database refused a statement (SQLSTATE 23505, thing_name).');
        assert.doesNotMatch(JSON.stringify(error, Object.getOwnPropertyNames(error)), /secret-value/);
        return true;
      });
      assert.equal((await sql`select 1 as one from thing`.execute(db)).rows.length, 1);
    });

    it('keeps transactions that are asked for at once apart', async () => {
      const db = made.database.sql;
      await sql`create table counter (n int)`.execute(db);
      await sql`insert into counter values (0)`.execute(db);
      await Promise.all(
        Array.from({ length: 20 }, () =>
          db.transaction().execute(async (trx) => {
            const { rows } = await sql<{ n: number }>`select n from counter for update`.execute(trx);
            await sql`update counter set n = ${(rows[0]?.n ?? 0) + 1}`.execute(trx);
          }),
        ),
      );
      assert.deepEqual((await sql`select n from counter`.execute(db)).rows, [{ n: 20 }]);
    });
  });
}

describe('an embedded database', () => {
  it('is vacuumed and analyzed every ten minutes, which nothing else does', async () => {
    const directory = await embeddedDirectory();
    const clock = virtualClock();
    const { sql: db, close } = await openDatabase({ kind: 'embedded', directory }, clock);
    const counts = async () =>
      (await sql`select vacuum_count, analyze_count from pg_stat_user_tables where relname = 'event'`.execute(db)).rows;
    assert.deepEqual(await counts(), [{ vacuum_count: 0, analyze_count: 0 }]);
    await clock.advance(10 * 60_000);
    assert.deepEqual(await counts(), [{ vacuum_count: 1, analyze_count: 1 }]);
    await close();
    await rm(directory, { recursive: true });
  });

  it('is had by one process at a time, and opens again with what it had', async () => {
    const directory = await embeddedDirectory();
    const one = await openDatabase({ kind: 'embedded', directory });
    await sql`create table kept as select 7 as n`.execute(one.sql);
    await assert.rejects(openDatabase({ kind: 'embedded', directory }), {
      code: 'STORE_LOCKED',
      message: new RegExp(`Process ${process.pid} `),
    });
    await one.close();
    const two = await openDatabase({ kind: 'embedded', directory });
    assert.deepEqual((await sql`select n from kept`.execute(two.sql)).rows, [{ n: 7 }]);
    await two.close();
    await rm(directory, { recursive: true });
  });

  it('is had by one process also where another does not see its number, as in a container of its own', async () => {
    const directory = await embeddedDirectory();
    const one = await openDatabase({ kind: 'embedded', directory });
    const [held] = (await readdir(join(directory, 'lock'))).toReversed();
    await writeFile(join(directory, 'lock', held ?? ''), '1 12345\n');
    await assert.rejects(openDatabase({ kind: 'embedded', directory }), { code: 'STORE_LOCKED', message: /^Another process/ });
    await one.close();
    await rm(directory, { recursive: true });
  });

  it('may have a path that is too long for the address of a socket', async () => {
    const root = await mkdtemp(join(tmpdir(), 'cion-database-'));
    const directory = join(root, 'x'.repeat(100));
    await rename(await embeddedDirectory(), directory);
    const database = await openDatabase({ kind: 'embedded', directory });
    assert.deepEqual((await sql`select 1 as one`.execute(database.sql)).rows, [{ one: 1 }]);
    await assert.rejects(openDatabase({ kind: 'embedded', directory }), { code: 'STORE_LOCKED' });
    await database.close();
    await rm(root, { recursive: true });
  });

  it('says so when its directory cannot be had', async () => {
    await assert.rejects(openDatabase({ kind: 'embedded', directory: '/dev/null/x' }), { code: 'STORE_FAILED' });
  });
});

describe('the address of a database', () => {
  it('is refused without telling its password when it is none', async () => {
    await assert.rejects(openDatabase({ kind: 'postgres', url: 'postgres://ada:hunter2@ho st:99999999/x' }), (error: Error) => {
      assert.equal('code' in error && error.code, 'STORE_UNAVAILABLE');
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  });

  it('that nobody listens at is unavailable', async () => {
    await assert.rejects(openDatabase({ kind: 'postgres', url: 'postgres:///x?host=/nowhere' }), { code: 'STORE_UNAVAILABLE' });
  });
});

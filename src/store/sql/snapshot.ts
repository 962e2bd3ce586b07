import { sql } from 'kysely';
import type { PutSnapshot, TakeSnapshot } from '../snapshot.ts';
import { StoreError } from '../store-error.ts';
import type { Database } from './database.ts';
import { enter } from './epoch.ts';
import { checksumOf, migrate, readMigrations } from './migrate.ts';
import { insertRows, raiseNumbers, rowsOf, tablesOf } from './table-rows.ts';

/** One read-only transaction. */
export const sqlTakeSnapshot =
  ({ sql: db }: Pick<Database, 'sql'>): TakeSnapshot =>
  (use) =>
    db
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute(async (trx) => {
        const { rows } = await sql<{ number: number; checksum: string }>`select number, checksum from migration order by number`.execute(
          trx,
        );
        return use({ schema: rows, tables: await tablesOf(trx), rows: (table) => rowsOf(trx, table) });
      });

export const sqlPutSnapshot = (database: Database): PutSnapshot => {
  const db = database.sql;
  return {
    isEmpty: async () => {
      for (const { name } of await tablesOf(db)) {
        const { rows } = await sql`select from ${sql.table(name)} limit 1`.execute(db);
        if (rows.length > 0) return false;
      }
      return true;
    },
    put: async (schema, all) => {
      const known = await readMigrations();
      for (const { number, checksum } of schema) {
        const own = known.find((one) => one.number === number);
        if (own === undefined) throw new StoreError('STORE_OUTDATED', 'The backup is of a newer cion than this one.');
        if (checksumOf(own) !== checksum) throw new StoreError('STORE_FAILED', `The backup was made with another ${own.name}.`);
      }
      const newest = schema.at(-1)?.number ?? 0;
      await migrate(
        database,
        known.filter(({ number }) => number <= newest),
      ).catch((error: unknown) => {
        const isAhead = error instanceof StoreError && error.code === 'STORE_OUTDATED';
        throw isAhead
          ? new StoreError('STORE_FAILED', 'The database was prepared by a newer cion than the backup: take a new one.')
          : error;
      });
      await enter(database);
      await db.transaction().execute(async (trx) => {
        for await (const { table, rows } of all) await insertRows(trx, table, rows);
        await raiseNumbers(trx);
      });
      await migrate(database);
    },
  };
};

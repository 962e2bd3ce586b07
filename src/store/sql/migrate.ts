import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { type Kysely, sql, type Transaction } from 'kysely';
import { StoreError } from '../store-error.ts';
import type { Database } from './database.ts';

/** One file of SQL, applied once: `0001-runs.sql` is number 1. */
export type Migration = { readonly number: number; readonly name: string; readonly text: string };

/**
 * Brings a database to where the code is, each step in a transaction of its own; any number of processes may do so at once. Rejects with
 * STORE_OUTDATED when a newer cion was here before, with STORE_FAILED when a step that was applied is not the same any more.
 */
export const migrate = async ({ sql: db }: Database, steps?: readonly Migration[]): Promise<void> => {
  const migrations = steps ?? (await readMigrations());
  while (await db.transaction().execute((trx) => applyNext(trx, migrations))) continue;
};

/** Those that come with this version, in order. */
export const readMigrations = async (): Promise<readonly Migration[]> => {
  const directory = new URL('./migrations/', import.meta.url);
  const names = (await readdir(directory)).filter((name) => /^\d{4}-[a-z-]+\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => ({ number: Number(name.slice(0, 4)), name, text: await readFile(new URL(name, directory), 'utf8') })),
  );
};

/** Answers whether there was one. */
const applyNext = async (trx: Transaction<unknown>, migrations: readonly Migration[]): Promise<boolean> => {
  await sql`select pg_advisory_xact_lock(${lockKey})`.execute(trx);
  await sql`create table if not exists migration (number int primary key, name text not null, checksum text not null, applied_at timestamptz not null default now())`.execute(
    trx,
  );
  const applied = await appliedIn(trx);
  for (const [number, { name, checksum }] of applied) {
    const migration = migrations.find((one) => one.number === number);
    if (migration === undefined) throw new StoreError('STORE_OUTDATED', `The database has had ${name}, which this version does not know.`);
    if (checksumOf(migration) !== checksum) throw new StoreError('STORE_FAILED', `${migration.name} was changed after it was applied.`);
  }
  const next = migrations.find(({ number }) => !applied.has(number));
  if (next === undefined) return false;
  await sql`select set_config('cion.migrates', 'yes', true)`.execute(trx);
  await sql.raw(next.text).execute(trx);
  await fence.execute(trx);
  await sql`insert into migration (number, name, checksum) values (${next.number}, ${next.name}, ${checksumOf(next)})`.execute(trx);
  return true;
};

/** Each table that there is by now, see 0011-fence.sql. */
const fence = sql`do $$ begin if to_regprocedure('fence_tables()') is not null then perform fence_tables(); end if; end $$`;

/** Any number that nothing else locks. */
const lockKey = 4_217_001;

const appliedIn = async (db: Kysely<unknown>): Promise<ReadonlyMap<number, { readonly name: string; readonly checksum: string }>> => {
  const { rows } = await sql<{
    number: number;
    name: string;
    checksum: string;
  }>`select number, name, checksum from migration order by number`.execute(db);
  return new Map(rows.map((row) => [row.number, row]));
};

export const checksumOf = ({ text }: Migration): string => createHash('sha256').update(text).digest('hex');

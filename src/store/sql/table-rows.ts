import { type Kysely, sql, type Transaction } from 'kysely';
import type { TableRow, TableShape } from '../snapshot.ts';

/** What belongs to one installation and one server of it: the next one makes its own. */
const ofTheServer: ReadonlySet<string> = new Set(['migration', 'server', 'leftover']);

const pageSize = 100;

/** Those that hold what a server knows, each after those that it names. */
export const tablesOf = async (db: Kysely<unknown>): Promise<readonly TableShape[]> => {
  const { rows: columns } = await sql<{ table: string; name: string; type: string }>`
    select class.relname as table, attname as name, format_type(atttypid, atttypmod) as type
    from pg_attribute join pg_class class on class.oid = attrelid join pg_namespace space on space.oid = relnamespace
    where nspname = 'public' and relkind = 'r' and attnum > 0 and not attisdropped order by class.relname, attnum`.execute(db);
  const { rows: named } = await sql<{ table: string; names: string }>`
    select child.relname as table, parent.relname as names from pg_constraint
    join pg_class child on child.oid = conrelid join pg_class parent on parent.oid = confrelid where contype = 'f'`.execute(db);
  const shapes = Map.groupBy(
    columns.filter(({ table }) => !ofTheServer.has(table)),
    ({ table }) => table,
  );
  const ordered: TableShape[] = [];
  const add = (name: string): void => {
    const own = shapes.get(name);
    if (own === undefined || ordered.some((one) => one.name === name)) return;
    for (const { table, names } of named) if (table === name && names !== name) add(names);
    ordered.push({ name, columns: own.map((column) => ({ name: column.name, type: column.type })) });
  };
  // A project begins with nothing: what stands under its name comes after it.
  for (const name of ['project', ...shapes.keys()]) add(name);
  return ordered;
};

/** All of a table in pages, inside a transaction, so that all tables are as they were at one moment. */
export const rowsOf = async function* (trx: Transaction<unknown>, { name, columns }: TableShape): AsyncGenerator<readonly TableRow[]> {
  const texts = columns.map((column, index) => sql`${sql.ref(column.name)}::text as ${sql.ref(`c${index}`)}`);
  await sql`declare rows_of_table no scroll cursor for select ${sql.join(texts)} from ${sql.table(name)}`.execute(trx);
  for (;;) {
    const { rows } = await sql<Record<string, string | null>>`fetch ${sql.lit(pageSize)} from rows_of_table`.execute(trx);
    if (rows.length > 0) yield rows.map((row) => columns.map((_, index) => row[`c${index}`] ?? null));
    if (rows.length < pageSize) break;
  }
  await sql`close rows_of_table`.execute(trx);
};

export const insertRows = async (trx: Transaction<unknown>, { name, columns }: TableShape, rows: readonly TableRow[]): Promise<void> => {
  const values = rows.map((row) => sql`(${sql.join(columns.map(({ type }, index) => sql`${row[index] ?? null}::${sql.raw(type)}`))})`);
  await sql`insert into ${sql.table(name)} (${sql.join(columns.map((column) => sql.ref(column.name)))}) overriding system value
    values ${sql.join(values)}`.execute(trx);
};

/** Numbers go on after those that were inserted. */
export const raiseNumbers = async (trx: Transaction<unknown>): Promise<void> => {
  const { rows } = await sql<{ table: string; name: string }>`
    select class.relname as table, attname as name from pg_attribute join pg_class class on class.oid = attrelid
    join pg_namespace space on space.oid = relnamespace where nspname = 'public' and relkind = 'r' and attidentity <> ''`.execute(trx);
  for (const { table, name } of rows) {
    await sql`select setval(pg_get_serial_sequence(${table}, ${name}), coalesce(max(${sql.ref(name)}), 1), max(${sql.ref(name)}) is not null)
      from ${sql.table(table)}`.execute(trx);
  }
};

import { sql, type Transaction } from 'kysely';
import type { Account, AccountStore } from '../accounts.ts';
import type { Database } from './database.ts';

export const sqlAccounts = ({ sql: db }: Database): AccountStore => {
  const insert = async (on: typeof db, account: Account, condition = sql`true`): Promise<boolean> => {
    const { numAffectedRows } = await sql`
      insert into account (id, name, is_admin, is_closed, password, forge_kind, forge_url, forge_id, forge_login, forge_token, created_at)
      select ${sql.join(valuesOf(account))} where ${condition}
      on conflict do nothing`.execute(on);
    return numAffectedRows === 1n;
  };

  const change = async (trx: Transaction<unknown>, id: string, how: (account: Account) => Account) => {
    const { rows } = await sql<Row>`select * from account where id = ${id} for update`.execute(trx);
    const [row] = rows;
    if (row === undefined) return 'unknown';
    const { isAdmin, isClosed, password, forge } = how(accountOf(row));
    const others = await sql`
      select from account where id <> ${id} and forge_url = ${forge?.url ?? null} and forge_id = ${forge?.id ?? null}`.execute(trx);
    if (others.rows.length > 0) return 'taken';
    await sql`
      update account set is_admin = ${isAdmin}, is_closed = ${isClosed}, password = ${password ?? null}, forge_kind = ${forge?.kind ?? null},
        forge_url = ${forge?.url ?? null}, forge_id = ${forge?.id ?? null}, forge_login = ${forge?.login ?? null},
        forge_token = ${forge?.token ?? null}
      where id = ${id}`.execute(trx);
    return 'changed';
  };

  /** One at a time adds or changes, so that what two of them ask for is the same for both. */
  const alone = <T>(work: (trx: Transaction<unknown>) => Promise<T>): Promise<T> =>
    db.transaction().execute(async (trx) => {
      await sql`lock table account in share row exclusive mode`.execute(trx);
      return work(trx);
    });

  return {
    addFirst: (account) => alone((trx) => insert(trx, account, sql`not exists (select from account where is_admin)`)),
    add: (account) => insert(db, account),
    get: async (id) => first(await sql<Row>`select * from account where id = ${id}`.execute(db)),
    find: async (by) =>
      first(
        'name' in by
          ? await sql<Row>`select * from account where name = ${by.name}`.execute(db)
          : await sql<Row>`select * from account where forge_url = ${by.forge.url} and forge_id = ${by.forge.id}`.execute(db),
      ),
    list: async () => (await sql<Row>`select * from account order by name`.execute(db)).rows.map(accountOf),
    change: (id, how) => alone((trx) => change(trx, id, how)),
  };
};

type Row = {
  readonly id: string;
  readonly name: string;
  readonly is_admin: boolean;
  readonly is_closed: boolean;
  readonly password: string | null;
  readonly forge_kind: 'github' | null;
  readonly forge_url: string | null;
  readonly forge_id: string | null;
  readonly forge_login: string | null;
  readonly forge_token: string | null;
  readonly created_at: number;
};

const valuesOf = ({ id, name, isAdmin, isClosed, password, forge, createdAt }: Account) => [
  id,
  name,
  sql`${isAdmin}::boolean`,
  sql`${isClosed}::boolean`,
  password ?? null,
  forge?.kind ?? null,
  forge?.url ?? null,
  forge?.id ?? null,
  forge?.login ?? null,
  forge?.token ?? null,
  sql`${createdAt}::bigint`,
];

const first = ({ rows }: { readonly rows: readonly Row[] }): Account | undefined =>
  rows[0] === undefined ? undefined : accountOf(rows[0]);

const accountOf = (row: Row): Account => ({
  id: row.id,
  name: row.name,
  isAdmin: row.is_admin,
  isClosed: row.is_closed,
  createdAt: row.created_at,
  ...(row.password === null ? {} : { password: row.password }),
  ...(row.forge_kind === null
    ? {}
    : {
        forge: {
          kind: row.forge_kind,
          url: row.forge_url ?? '',
          id: row.forge_id ?? '',
          login: row.forge_login ?? '',
          token: row.forge_token ?? '',
        },
      }),
});

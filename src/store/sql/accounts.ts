import { sql, type Transaction } from 'kysely';
import type { Account, AccountStore, ForgeIdentity } from '../accounts.ts';
import type { Database } from './database.ts';

type On = Database['sql'] | Transaction<unknown>;

export const sqlAccounts = ({ sql: db }: Database): AccountStore => {
  const insert = async (trx: Transaction<unknown>, account: Account, condition = sql`true`): Promise<boolean> => {
    if (await isTaken(trx, account)) return false;
    const { numAffectedRows } = await sql`
      insert into account (id, name, is_admin, is_closed, password, created_at)
      select ${sql.join(valuesOf(account))} where ${condition}
      on conflict do nothing`.execute(trx);
    if (numAffectedRows !== 1n) return false;
    await writeForges(trx, account);
    return true;
  };

  const change = async (trx: Transaction<unknown>, id: string, how: (account: Account) => Account) => {
    const before = await read(trx, sql`account.id = ${id}`);
    if (before === undefined) return 'unknown';
    const { isAdmin, isClosed, password, forges } = how(before);
    if (await isTaken(trx, { id, forges })) return 'taken';
    await sql`update account set is_admin = ${isAdmin}, is_closed = ${isClosed}, password = ${password ?? null} where id = ${id}`.execute(
      trx,
    );
    await sql`delete from account_forge where account = ${id}`.execute(trx);
    await writeForges(trx, { id, forges });
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
    add: (account) => alone((trx) => insert(trx, account)),
    get: (id) => read(db, sql`account.id = ${id}`),
    find: (by) =>
      'name' in by
        ? read(db, sql`account.name = ${by.name}`)
        : read(db, sql`account.id = (select account from account_forge where url = ${by.forge.url} and forge_id = ${by.forge.id})`),
    list: () => select(db, sql`true`),
    change: (id, how) => alone((trx) => change(trx, id, how)),
  };
};

type Row = {
  readonly id: string;
  readonly name: string;
  readonly is_admin: boolean;
  readonly is_closed: boolean;
  readonly password: string | null;
  readonly created_at: number;
  readonly forges: readonly ForgeIdentity[];
};

const select = async (on: On, condition: ReturnType<typeof sql>): Promise<readonly Account[]> => {
  const { rows } = await sql<Row>`
    select account.*, coalesce(
      (select jsonb_agg(jsonb_build_object('kind', kind, 'url', url, 'id', forge_id, 'login', login, 'token', token) order by url)
       from account_forge where account = account.id), '[]'::jsonb) as forges
    from account where ${condition} order by name`.execute(on);
  return rows.map(accountOf);
};

const read = async (on: On, condition: ReturnType<typeof sql>): Promise<Account | undefined> => (await select(on, condition))[0];

/** Whether somebody else is one of them already. */
const isTaken = async (trx: Transaction<unknown>, { id, forges }: Pick<Account, 'id' | 'forges'>): Promise<boolean> => {
  for (const forge of forges) {
    const { rows } = await sql`
      select from account_forge where account <> ${id} and url = ${forge.url} and forge_id = ${forge.id}`.execute(trx);
    if (rows.length > 0) return true;
  }
  return false;
};

const writeForges = async (trx: Transaction<unknown>, { id, forges }: Pick<Account, 'id' | 'forges'>): Promise<void> => {
  for (const { kind, url, id: there, login, token } of forges) {
    await sql`
      insert into account_forge (account, kind, url, forge_id, login, token)
      values (${id}, ${kind}, ${url}, ${there}, ${login}, ${token})`.execute(trx);
  }
};

const valuesOf = ({ id, name, isAdmin, isClosed, password, createdAt }: Account) => [
  id,
  name,
  sql`${isAdmin}::boolean`,
  sql`${isClosed}::boolean`,
  password ?? null,
  sql`${createdAt}::bigint`,
];

const accountOf = ({ id, name, is_admin, is_closed, password, created_at, forges }: Row): Account => ({
  id,
  name,
  isAdmin: is_admin,
  isClosed: is_closed,
  forges,
  createdAt: created_at,
  ...(password === null ? {} : { password }),
});

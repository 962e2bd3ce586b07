import { type RawBuilder, sql } from 'kysely';
import type { Token, TokenStore, WhoseTokens } from '../tokens.ts';
import type { Database } from './database.ts';

export const sqlTokens = ({ sql: db }: Database): TokenStore => ({
  add: async ({ id, hash, name, of, createdAt, expiresAt, usedAt, madeBy }) => {
    const [account, scopes, project] =
      of.kind === 'account' ? [of.account, JSON.stringify(of.scopes), of.project ?? null] : [null, null, null];
    const worker = of.kind === 'worker' ? (of.worker ?? null) : null;
    await sql`
      insert into token (id, hash, kind, name, account, scopes, project, worker, created_at, expires_at, used_at, made_by)
      values (${id}, ${hash}, ${of.kind}, ${name}, ${account}, ${scopes}, ${project}, ${worker}, ${createdAt}, ${expiresAt ?? null},
        ${usedAt ?? null}, ${madeBy ?? null})`.execute(db);
  },
  find: async (hash) => {
    const { rows } = await sql<Row>`select * from token where hash = ${hash}`.execute(db);
    return rows[0] === undefined ? undefined : tokenOf(rows[0]);
  },
  list: async (of) => (await sql<Row>`select * from token where ${isOf(of)} order by created_at desc, id`.execute(db)).rows.map(tokenOf),
  used: async (id, at) => {
    await sql`update token set used_at = ${at} where id = ${id}`.execute(db);
  },
  bind: async (id, worker) => {
    await sql`update token set worker = ${worker} where id = ${id} and kind = 'worker' and worker is null`.execute(db);
    const { rows } = await sql<{ worker: string | null }>`select worker from token where id = ${id}`.execute(db);
    return rows[0]?.worker ?? undefined;
  },
  remove: async (id, of) => (await sql`delete from token where id = ${id} and ${isOf(of)}`.execute(db)).numAffectedRows === 1n,
});

const isOf = (of: WhoseTokens): RawBuilder<unknown> => {
  if (of === 'workers') return sql`kind = 'worker'`;
  const isTheirs = sql`kind = 'account' and account = ${of.account}`;
  return of.madeBy === undefined ? isTheirs : sql`${isTheirs} and made_by = ${of.madeBy}`;
};

type Row = {
  readonly id: string;
  readonly hash: string;
  readonly kind: Token['of']['kind'];
  readonly name: string;
  readonly account: string | null;
  readonly scopes: readonly string[] | null;
  readonly project: string | null;
  readonly worker: string | null;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly used_at: number | null;
  readonly made_by: string | null;
};

const tokenOf = ({ id, hash, kind, name, account, scopes, project, worker, made_by, ...times }: Row): Token => ({
  id,
  hash,
  name,
  of:
    kind === 'account'
      ? { kind, account: account ?? '', scopes: scopes ?? [], ...(project === null ? {} : { project }) }
      : { kind, ...(worker === null ? {} : { worker }) },
  createdAt: times.created_at,
  ...(times.expires_at === null ? {} : { expiresAt: times.expires_at }),
  ...(times.used_at === null ? {} : { usedAt: times.used_at }),
  ...(made_by === null ? {} : { madeBy: made_by }),
});

import { type RawBuilder, sql } from 'kysely';
import type { Session, SessionStore, WhichSessions } from '../sessions.ts';
import type { Database } from './database.ts';

export const sqlSessions = ({ sql: db }: Database): SessionStore => ({
  add: async ({ id, hash, account, createdAt, seenAt, address, agent }) => {
    await sql`
      insert into session (id, hash, account, created_at, seen_at, address, agent)
      values (${id}, ${hash}, ${account}, ${createdAt}, ${seenAt}, ${address}, ${agent})`.execute(db);
  },
  find: async (hash) => {
    const { rows } = await sql<Row>`select * from session where hash = ${hash}`.execute(db);
    return rows[0] === undefined ? undefined : sessionOf(rows[0]);
  },
  seen: async (hash, at) => {
    await sql`update session set seen_at = ${at} where hash = ${hash}`.execute(db);
  },
  list: async (account) =>
    (await sql<Row>`select * from session where account = ${account} order by created_at desc, id`.execute(db)).rows.map(sessionOf),
  end: async (which) => {
    await sql`delete from session where ${conditionOf(which)}`.execute(db);
  },
});

const conditionOf = (which: WhichSessions): RawBuilder<unknown> => {
  if ('hash' in which) return sql`hash = ${which.hash}`;
  if ('createdBefore' in which) return sql`created_at < ${which.createdBefore} or seen_at < ${which.seenBefore}`;
  if ('id' in which) return sql`account = ${which.account} and id = ${which.id}`;
  return sql`account = ${which.account} and hash <> ${which.but ?? ''}`;
};

type Row = {
  readonly id: string;
  readonly hash: string;
  readonly account: string;
  readonly created_at: number;
  readonly seen_at: number;
  readonly address: string;
  readonly agent: string;
};

const sessionOf = ({ created_at, seen_at, ...row }: Row): Session => ({ ...row, createdAt: created_at, seenAt: seen_at });

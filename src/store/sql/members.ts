import { sql } from 'kysely';
import type { MemberStore, Role } from '../members.ts';
import type { Database } from './database.ts';

export const sqlMembers = ({ sql: db }: Database): MemberStore => ({
  set: async (project, account, role) => {
    await sql`
      insert into member (project, account, role) values (${project}, ${account}, ${role})
      on conflict (project, account) do update set role = excluded.role`.execute(db);
  },
  roleOf: async (project, account) => {
    const { rows } = await sql<{ role: Role }>`select role from member where project = ${project} and account = ${account}`.execute(db);
    return rows[0]?.role;
  },
  list: async (project) =>
    (await sql<{ account: string; role: Role }>`select account, role from member where project = ${project} order by account`.execute(db))
      .rows,
  remove: async (project, account) => {
    await sql`delete from member where project = ${project} and account = ${account}`.execute(db);
  },
  forget: async (project) => {
    await sql`delete from member where project = ${project}`.execute(db);
  },
});

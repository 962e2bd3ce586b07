import { sql } from 'kysely';
import type { MarkStore } from '../marks.ts';
import type { Database } from './database.ts';

export const sqlMarks = ({ sql: db }: Pick<Database, 'sql'>): MarkStore => ({
  read: async (name) => {
    const { rows } = await sql<{ at: number }>`select at from mark where name = ${name}`.execute(db);
    return rows[0]?.at;
  },
  move: async (name, to) => {
    await sql`insert into mark (name, at) values (${name}, ${to}) on conflict (name) do update set at = greatest(mark.at, excluded.at)`.execute(
      db,
    );
  },
});

import { sql } from 'kysely';
import type { ApprovedAuthors } from '../approved-authors.ts';
import type { Database } from './database.ts';

export const sqlApprovedAuthors = ({ sql: db }: Pick<Database, 'sql'>): ApprovedAuthors => ({
  add: async (project, authors) => {
    await sql`insert into approved_author (project, author) select ${project}, unnest(${[...new Set(authors)]}::text[])
      on conflict do nothing`.execute(db);
  },
  among: async (project, authors) => {
    const { rows } = await sql<{ author: string }>`
      select author from approved_author where project = ${project} and author = any(${[...authors]}::text[])`.execute(db);
    return new Set(rows.map(({ author }) => author));
  },
});

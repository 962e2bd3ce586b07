import { sql } from 'kysely';
import type { Upstream, UpstreamStore } from '../upstreams.ts';
import type { Database } from './database.ts';
import { json, present } from './present.ts';

export const sqlUpstreams = ({ sql: db }: Pick<Database, 'sql'>): UpstreamStore => ({
  add: async (one) => {
    await sql`insert into upstream (id, project, after_project, after, wants, by, created_at, note)
      values (${one.id}, ${one.project}, ${one.after.project}, ${json(one.after)}::jsonb, ${json(one.wants)}::jsonb, ${one.by},
        ${one.createdAt}, ${json(one.note)}::jsonb)`.execute(db);
  },
  list: async (of) => {
    const which = 'project' in of ? sql`project = ${of.project}` : sql`after_project = ${of.after}`;
    const { rows } =
      await sql<Upstream>`select id, project, after, wants, by, created_at as "createdAt", note from upstream where ${which} order by place`.execute(
        db,
      );
    return rows.map(present);
  },
  note: async (id, note) => {
    await sql`update upstream set note = ${json(note)}::jsonb where id = ${id}`.execute(db);
  },
  remove: async (project, id) => {
    const which = id === undefined ? sql`project = ${project} or after_project = ${project}` : sql`project = ${project} and id = ${id}`;
    const { rows } = await sql`delete from upstream where ${which} returning id`.execute(db);
    return rows.length > 0;
  },
});

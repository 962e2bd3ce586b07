import { type Kysely, sql, type Transaction } from 'kysely';
import type { Project, ProjectStore } from '../projects.ts';
import type { Database } from './database.ts';

export const sqlProjects = ({ sql: db }: Pick<Database, 'sql'>): ProjectStore => ({
  add: async (project) => {
    const { rows } = await sql`
      insert into project (name, forge_url, repository, project)
      values (${project.name}, ${project.forge?.url ?? null}, ${project.forge?.repository ?? null}, ${JSON.stringify(project)}::jsonb)
      on conflict do nothing returning name`.execute(db);
    return rows.length === 1;
  },
  get: (name) => read(db, name),
  list: async () => {
    const { rows } = await sql<Row>`select project from project order by name`.execute(db);
    return rows.map(({ project }) => project);
  },
  change: (name, change) =>
    db.transaction().execute(async (trx) => {
      const before = await read(trx, name, 'for update');
      if (before === undefined) return undefined;
      const after = { ...change(before), name };
      await sql`
        update project set project = ${JSON.stringify(after)}::jsonb,
          forge_url = ${after.forge?.url ?? null}, repository = ${after.forge?.repository ?? null}
        where name = ${name}`.execute(trx);
      return after;
    }),
  remove: async (name) => {
    await sql`delete from project where name = ${name}`.execute(db);
  },
});

type Row = { readonly project: Project };

const read = async (
  db: Kysely<unknown> | Transaction<unknown>,
  name: string,
  lock: 'for update' | '' = '',
): Promise<Project | undefined> => {
  const { rows } = await sql<Row>`select project from project where name = ${name} ${sql.raw(lock)}`.execute(db);
  return rows[0]?.project;
};

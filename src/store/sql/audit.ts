import { sql } from 'kysely';
import type { AuditRecord, AuditStore } from '../audit.ts';
import type { Database } from './database.ts';

export const sqlAudit = ({ sql: db }: Database): AuditStore => ({
  append: async ({ at, actor, action, project, outcome, detail }) => {
    await sql`
      insert into audit (at, actor, action, project, outcome, detail)
      values (${at}, ${JSON.stringify(actor)}, ${action}, ${project ?? null}, ${outcome}, ${JSON.stringify(detail)})`.execute(db);
  },
  list: async ({ account, project, action, before, limit }) => {
    const conditions = [
      sql`true`,
      ...(account === undefined ? [] : [sql`actor ->> 'account' = ${account}`]),
      ...(project === undefined ? [] : [sql`project = ${project}`]),
      ...(action === undefined ? [] : [sql`action = ${action}`]),
      ...(before === undefined ? [] : [sql`number < ${before}`]),
    ];
    const { rows } = await sql<Row>`
      select number, at, actor, action, project, outcome, detail from audit
      where ${sql.join(conditions, sql` and `)} order by number desc limit ${limit}`.execute(db);
    return rows.map(({ project: name, ...row }) => ({ ...row, ...(name === null ? {} : { project: name }) }));
  },
});

type Row = Omit<AuditRecord, 'project'> & { readonly project: string | null };

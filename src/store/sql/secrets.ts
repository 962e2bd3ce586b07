import { sql } from 'kysely';
import type { KeptSecret, SecretStore } from '../secrets.ts';
import type { Database } from './database.ts';

export const sqlSecrets = ({ sql: db }: Pick<Database, 'sql'>): SecretStore => ({
  put: ({ id, project, name, kind, sealed, scope, by, at }) =>
    db.transaction().execute(async (trx) => {
      await sql`select name from project where name = ${project} for update`.execute(trx);
      await sql`update secret set retired_at = ${at} where project = ${project} and name = ${name} and retired_at is null`.execute(trx);
      await sql`
        insert into secret (id, project, name, kind, sealed, scope, by, at)
        values (${id}, ${project}, ${name}, ${kind}, ${sealed}, ${JSON.stringify(scope)}::jsonb, ${by}, ${at})`.execute(trx);
    }),
  list: async (project) => {
    const { rows } = await sql<Row>`
      select * from secret where project = ${project} order by name collate "C", retired_at desc nulls first, id`.execute(db);
    return rows.map(secretOf);
  },
  remove: async (project, name, at) => {
    const { rows } = await sql`
      update secret set retired_at = ${at} where project = ${project} and name = ${name} and retired_at is null returning id`.execute(db);
    return rows.length > 0;
  },
  page: async (after, limit) => {
    const { rows } = await sql<Row>`
      select * from secret where id collate "C" > ${after} order by id collate "C" limit ${limit}`.execute(db);
    return rows.map(secretOf);
  },
  reseal: async (id, before, after) => {
    await sql`update secret set sealed = ${after} where id = ${id} and sealed = ${before}`.execute(db);
  },
  forget: async (retiredBefore) => {
    await sql`delete from secret where retired_at < ${retiredBefore}`.execute(db);
  },
});

type Row = Omit<KeptSecret, 'retiredAt'> & { readonly retired_at: number | null };

const secretOf = ({ retired_at, ...secret }: Row): KeptSecret => ({ ...secret, ...(retired_at === null ? {} : { retiredAt: retired_at }) });

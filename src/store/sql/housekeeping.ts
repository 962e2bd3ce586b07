import { sql } from 'kysely';
import type { Housekeeping, Leftover } from '../housekeeping.ts';
import type { Database } from './database.ts';

export const sqlHousekeeping = ({ sql: db }: Pick<Database, 'sql'>): Housekeeping => ({
  deployed: async () => {
    const { rows } = await sql<{ run: string }>`
      select distinct on (project, environment) run from deployment order by project, environment, place desc`.execute(db);
    return new Set(rows.map(({ run }) => run));
  },
  forgetRun: async (run, finishedAt) => {
    await sql`delete from run where id = ${run} and phase = 'finished' and finished_at = ${finishedAt}`.execute(db);
  },
  trees: async () => {
    const { rows } = await sql<{ digest: string }>`
      select distinct found[1] as digest from event, regexp_matches(fact::text, '"tree":"(?:sha256:)?([0-9a-f]{64})"', 'g') as found
      where fact::text like '%"kind":"source.kept"%' or fact::text like '%"kind":"volume.kept"%' or fact::text like '%"kind":"run.planned"%'`.execute(
      db,
    );
    return new Set(rows.map(({ digest }) => digest));
  },
  leftovers: async (limit) => (await sql<Leftover>`select kind, name from leftover order by kind, name limit ${limit}`.execute(db)).rows,
  cleared: async ({ kind, name }) => {
    await sql`delete from leftover where kind = ${kind} and name = ${name}`.execute(db);
  },
  forgetAudit: (before) =>
    db.transaction().execute(async (trx) => {
      await sql`select set_config('cion.audit_kept_since', ${String(before)}, true)`.execute(trx);
      await sql`delete from audit where at < ${before}`.execute(trx);
    }),
});

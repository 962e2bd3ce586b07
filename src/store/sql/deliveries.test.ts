import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { deliveriesContract } from '../deliveries.contract.ts';
import { defaultSettings } from '../projects.ts';
import { sqlDeliveries } from './deliveries.ts';
import { sqlProjects } from './projects.ts';
import { testDatabases } from './testing/databases.ts';

const bare = (name: string) => ({
  name,
  cloneUrl: '',
  defaultBranch: 'main',
  visibility: 'public' as const,
  webhookSecret: '',
  settings: defaultSettings,
  createdAt: 0,
});

for (const { name, skip, make } of testDatabases) {
  deliveriesContract(name, skip, async () => {
    const made = await make();
    const projects = sqlProjects(made.database);
    return {
      store: sqlDeliveries(made.database),
      close: made.close,
      clear: async (names) => {
        await made.clear();
        for (const one of names) await projects.add(bare(one));
      },
    };
  });

  test(`with a project goes all that is kept under its name: ${name}`, { skip }, async (t) => {
    const made = await make();
    t.after(() => made.close());
    const { sql: db } = made.database;
    const [projects, deliveries] = [sqlProjects(made.database), sqlDeliveries(made.database)];
    for (const one of ['ada/app', 'ada/other']) {
      await projects.add(bare(one));
      await deliveries.add({ project: one, id: 'd', digest: 'd', headers: {}, body: Buffer.from('{}'), at: 0 });
      await sql`insert into project_number values (${one}, 1)`.execute(db);
      await sql`insert into run (id, project, number, pipeline, phase, trigger, created_at, last_seq)
        values (${`run of ${one}`}, ${one}, 1, 'build', 'finished', '{}', 0, 1)`.execute(db);
      await sql`insert into event values (${`run of ${one}`}, 1, 0, 'run.created', '{}')`.execute(db);
    }
    await projects.remove('ada/app');
    for (const table of ['project', 'delivery', 'run', 'event', 'project_number']) {
      const { rows } = await sql<{ n: number }>`select count(*)::int as n from ${sql.table(table)}`.execute(db);
      assert.deepEqual(rows, [{ n: 1 }], table);
    }
  });
}

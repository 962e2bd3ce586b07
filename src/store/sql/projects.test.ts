import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { projectsContract } from '../projects.contract.ts';
import { defaultSettings } from '../projects.ts';
import { sqlDeliveries } from './deliveries.ts';
import { migrate, readMigrations } from './migrate.ts';
import { sqlProjects } from './projects.ts';
import { testDatabases } from './testing/databases.ts';

/** A row of each table that has something of a project. Where a name is not that of a project it stands for anything. */
const rowsOf = (project: string): readonly string[] => [
  `insert into project_number values ('${project}', 1)`,
  `insert into run (id, project, number, pipeline, phase, trigger, created_at, last_seq) values ('run ${project}', '${project}', 1, '', 'finished', '{}', 0, 1)`,
  `insert into event (run, seq, at, fact) values ('run ${project}', 1, 0, '{}')`,
  `insert into deployment (run, seq, project, number, pipeline, stage, environment, deployment) values ('run ${project}', 1, '${project}', 1, '', '', '', '{}')`,
  `insert into queue_item (id, run, stage, attempt, project, pipeline, priority, labels, class, queued_at) values ('item ${project}', 'run ${project}', '', 1, '${project}', '', 0, '{}', '', 0)`,
  `insert into account (id, name, is_admin, is_closed, created_at) values ('of ${project}', 'of ${project}', false, false, 0)`,
  `insert into member values ('${project}', 'of ${project}', 'owner')`,
  `insert into token (id, hash, kind, name, account, scopes, project, created_at) values ('of ${project}', '${project}', 'account', '', 'of ${project}', '[]', '${project}', 0)`,
  `insert into secret (id, project, name, kind, sealed, scope, by, at) values ('of ${project}', '${project}', '', '', '', '{}', '', 0)`,
  `insert into run_request (project, once, request, at) values ('${project}', '', '{}', 0)`,
  `insert into schedule (id, project, cron, time_zone, wants, by, created_at, due_at, try_at) values ('of ${project}', '${project}', '', '', '{}', '', 0, 0, 0)`,
  `insert into upstream (id, project, after_project, after, wants, by, created_at) values ('of ${project}', '${project}', 'any/one', '{}', '{}', '', 0)`,
  `insert into approved_author (project, author) values ('${project}', '7')`,
  `insert into subscription (id, project, way, target, shown, wants, by, created_at) values ('of ${project}', '${project}', 'http', '', '', '{}', '', 0)`,
  `insert into letter (id, subscription, event, body, created_at, state, try_at, attempts) values ('of ${project}', 'of ${project}', '', '{}', 0, 'sent', 0, 0)`,
];

for (const { name, skip, make } of testDatabases) {
  projectsContract(name, skip, async () => {
    const made = await make();
    return { store: sqlProjects(made.database), clear: made.clear, close: made.close };
  });

  test(`projects of before runs of forks were asked about are asked about them: ${name}`, { skip }, async (t) => {
    const made = await make();
    t.after(() => made.close());
    const { sql: db } = made.database;
    const projects = sqlProjects(made.database);
    await projects.add({
      name: 'ada/app',
      cloneUrl: '',
      defaultBranch: 'main',
      visibility: 'public',
      webhookSecret: '',
      settings: { ...defaultSettings, priority: 3 },
      createdAt: 0,
    });
    await sql`update project set project = project #- '{settings,approveForks}'`.execute(db);
    await sql`drop table approved_author`.execute(db);
    await sql`delete from migration where number >= 7`.execute(db);
    await migrate(
      made.database,
      (await readMigrations()).filter(({ number }) => number <= 7),
    );
    assert.deepEqual((await projects.get('ada/app'))?.settings, { ...defaultSettings, priority: 3 });
  });

  test(`with a project goes all that is kept under its name, and nothing of others: ${name} (atk-05)`, { skip }, async (t) => {
    const made = await make();
    t.after(() => made.close());
    const { sql: db } = made.database;
    const projects = sqlProjects(made.database);
    for (const one of ['ada/app', 'ada/other']) {
      const more = {
        cloneUrl: '',
        defaultBranch: 'main',
        visibility: 'public',
        webhookSecret: '',
        settings: defaultSettings,
        createdAt: 0,
      } as const;
      await projects.add({ name: one, ...more });
      await sqlDeliveries(made.database).add({ project: one, id: 'd', digest: 'd', headers: {}, body: Buffer.from('{}'), at: 0 });
      for (const row of rowsOf(one)) await sql.raw(row).execute(db);
    }
    await sql`insert into upstream (id, project, after_project, after, wants, by, created_at)
      values ('after', 'ada/other', 'ada/app', '{}', '{}', '', 0)`.execute(db);
    const { rows: tables } = await sql<{ name: string }>`
      select table_name as name from information_schema.columns
      where table_schema = 'public' and column_name in ('project', 'run', 'subscription') and table_name not in ('audit', 'project')`.execute(
      db,
    );
    assert.ok(tables.length >= 14, `${tables.length}`);
    const counts = async () =>
      Object.fromEntries(
        await Promise.all(
          tables.map(async ({ name: table }) => {
            const { rows } = await sql<{ n: number }>`select count(*)::int as n from ${sql.table(table)}`.execute(db);
            return [table, rows[0]?.n ?? 0] as const;
          }),
        ),
      );
    const before = await counts();
    for (const [table, count] of Object.entries(before))
      assert.ok(count >= 2, `${table} has nothing of these projects: this test has to know it`);
    await projects.remove('ada/app');
    assert.deepEqual(await counts(), Object.fromEntries(tables.map(({ name: table }) => [table, 1])));
  });
}

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'kysely';
import { newRunId } from '../../lib/ids.ts';
import { defaultSettings, type Project } from '../projects.ts';
import { change, item, newRun, noon } from '../testing/samples.ts';
import { sqlAccounts } from './accounts.ts';
import { sqlAudit } from './audit.ts';
import { sqlApprovedAuthors } from './approved-authors.ts';
import { sqlDeliveries } from './deliveries.ts';
import { sqlHousekeeping } from './housekeeping.ts';
import { sqlMembers } from './members.ts';
import { sqlOutbox, sqlSubscriptions } from './notifications.ts';
import { sqlProjects } from './projects.ts';
import { sqlRunRequests } from './run-requests.ts';
import { sqlRunStore } from './run-store.ts';
import { sqlSchedules } from './schedules.ts';
import { sqlSecrets } from './secrets.ts';
import { testDatabases } from './testing/databases.ts';
import { type SqlStore, sqlStore } from './testing/sql-store.ts';
import { sqlTokens } from './tokens.ts';
import { sqlUpstreams } from './upstreams.ts';

const project = (name: string): Project => ({
  name,
  cloneUrl: `https://forge.example/${name}.git`,
  defaultBranch: 'main',
  visibility: 'private',
  webhookSecret: 'v1.sealed',
  settings: defaultSettings,
  createdAt: noon,
});

const digest = (letter: string): string => letter.repeat(64);

for (const { name, skip, make } of testDatabases) {
  describe(`what is kept and forgotten in ${name}`, { skip }, () => {
    let store: SqlStore;
    before(async () => {
      store = await sqlStore(await make());
    });
    beforeEach(() => store.made.clear());
    after(() => store.close());

    /** A bit of everything that can stand under a project's name. */
    const furnished = async (of: string): Promise<string> => {
      const { database } = store.made;
      const run = newRunId(noon);
      const account = `acc-${of}`;
      const wants = { outcomes: [], results: true, branches: [], environments: [], gates: true };
      await sqlProjects(database).add(project(of));
      await sqlAccounts(database).add({ id: account, name: account, isAdmin: false, isClosed: false, forges: [], createdAt: noon });
      await sqlMembers(database).set(of, account, 'owner');
      const tokenOf = { kind: 'account', account, scopes: ['run'], project: of } as const;
      await sqlTokens(database).add({ id: `t-${of}`, hash: `h-${of}`, name: 't', of: tokenOf, createdAt: noon });
      await sqlRunRequests(database).put({ project: of, once: '1', request: '{}', at: noon });
      const runs = sqlRunStore(database, store.epoch);
      await runs.create(newRun(run, { project: of, once: '1' }));
      await sqlRunRequests(database).begun(of, '1', run);
      const image = { reference: 'a', digest: 'sha256:1' };
      await runs.append(
        change(run, 1, {
          facts: [
            { kind: 'source.kept', tree: digest('a'), bytes: 1 },
            { kind: 'deployment.recorded', stage: 'd', deployment: { environment: 'live', changedFiles: 0, image, at: noon } },
          ],
          push: [item(run, 'later', { project: of })],
        }),
      );
      const scope = { pipelines: [], branches: [], environments: [], triggers: [] };
      await sqlSecrets(database).put({ id: `s-${of}`, project: of, name: 'KEY', kind: 'secret', sealed: 'v1', scope, by: 'ada', at: noon });
      await sqlDeliveries(database).add({ project: of, id: 'd', digest: 'x', headers: {}, body: Buffer.from('b'), at: noon });
      const due = { dueAt: noon, tryAt: noon };
      await sqlSchedules(database).add({
        id: `c-${of}`,
        project: of,
        cron: '0 0 * * *',
        timeZone: 'UTC',
        wants: {},
        by: 'ada',
        createdAt: noon,
        ...due,
      });
      await sqlApprovedAuthors(database).add(of, ['7']);
      await sqlUpstreams(database).add({
        id: `u-${of}`,
        project: of,
        after: { project: 'x/y' },
        wants: {},
        by: 'ada',
        createdAt: noon,
      });
      await sqlUpstreams(database).add({
        id: `v-${of}`,
        project: 'x/y',
        after: { project: of },
        wants: {},
        by: 'ada',
        createdAt: noon,
      });
      await sqlSubscriptions(database).add({
        id: `n-${of}`,
        project: of,
        way: 'http',
        target: 'v1',
        place: 'p',
        wants,
        by: 'ada',
        createdAt: noon,
      });
      await sqlOutbox(database).put([{ id: `l-${of}`, subscription: `n-${of}`, event: 'e', body: {}, createdAt: noon }]);
      return run;
    };

    /** Rows of all tables that say the name of the project, by table. */
    const mentions = async (text: string): Promise<Readonly<Record<string, number>>> => {
      const db = store.made.database.sql;
      const tables = await sql<{ name: string }>`select tablename as name from pg_tables where schemaname = 'public'`.execute(db);
      const found: Record<string, number> = {};
      for (const { name: table } of tables.rows) {
        const { rows } = await sql<{
          n: number;
        }>`select count(*)::int as n from ${sql.table(table)} as it where it::text like ${`%${text}%`}`.execute(db);
        if (rows[0] !== undefined && rows[0].n > 0) found[table] = rows[0].n;
      }
      return found;
    };

    it('removes with a project all that is kept under its name, and nothing of another (atk-90)', async () => {
      const run = await furnished('ada/shop');
      await furnished('ada/other');
      const others = await mentions('ada/other');
      assert.ok(Object.keys(others).length >= 14, JSON.stringify(others));
      await sqlProjects(store.made.database).remove('ada/shop');
      assert.deepEqual(await mentions('ada/shop'), { account: 1, leftover: 1 });
      assert.deepEqual(await mentions(run), { leftover: 1 });
      assert.deepEqual(await mentions('ada/other'), others);
      assert.deepEqual(await sqlHousekeeping(store.made.database).leftovers(10), [
        { kind: 'project', name: 'ada/shop' },
        { kind: 'run', name: run },
      ]);
    });

    it('lets a project of that name begin with nothing, also of what came while the other was removed (atk-05)', async () => {
      const { database } = store.made;
      await furnished('ada/shop');
      await sqlProjects(database).remove('ada/shop');
      const late = newRunId(noon);
      await sqlRunStore(database, store.epoch).create(newRun(late, { project: 'ada/shop' }));
      await sqlMembers(database).set('ada/shop', 'acc-ada/shop', 'owner');
      assert.equal(await sqlProjects(database).add(project('ada/shop')), true);
      assert.equal(await sqlMembers(database).roleOf('ada/shop', 'acc-ada/shop'), undefined);
      assert.deepEqual(await sqlRunStore(database, store.epoch).list({ project: 'ada/shop', limit: 10 }), []);
      const first = await sqlRunStore(database, store.epoch).create(newRun(newRunId(noon), { project: 'ada/shop' }));
      assert.deepEqual(first, { kind: 'created', number: 1 });
    });

    it('changes nothing of a project that somebody tries to add again', async () => {
      await furnished('ada/shop');
      const before = await mentions('ada/shop');
      assert.equal(await sqlProjects(store.made.database).add(project('ada/shop')), false);
      assert.deepEqual(await mentions('ada/shop'), before);
    });

    it('knows which runs are what an environment has, and which trees a run names', async () => {
      const { database } = store.made;
      const kept = sqlHousekeeping(database);
      const first = await furnished('ada/shop');
      const runs = sqlRunStore(database, store.epoch);
      const second = newRunId(noon + 1);
      await runs.create(newRun(second, { project: 'ada/shop' }));
      const image = { reference: 'a', digest: 'sha256:1' };
      const to = (environment: string) => ({ environment, changedFiles: 0, image, at: noon });
      await runs.append(
        change(second, 1, {
          facts: [
            { kind: 'deployment.recorded', stage: 'd', deployment: to('test') },
            { kind: 'run.noted', text: `"kind":"source.kept" \0 \ud800` },
            { kind: 'volume.kept', stage: 's', attempt: 1, volume: 'v', tree: `sha256:${digest('b')}`, bytes: 1 },
          ],
        }),
      );
      assert.deepEqual(await kept.deployed(), new Set([first, second]));
      await runs.append(change(second, 4, { facts: [{ kind: 'deployment.recorded', stage: 'd', deployment: to('live') }] }));
      assert.deepEqual(await kept.deployed(), new Set([second]));
      assert.deepEqual(await kept.trees(), new Set([digest('a'), digest('b')]));
    });

    it('forgets a run that has finished, and none that has begun again', async () => {
      const { database } = store.made;
      const kept = sqlHousekeeping(database);
      const runs = sqlRunStore(database, store.epoch);
      const run = newRunId(noon);
      await runs.create(newRun(run));
      const there = async (): Promise<number> => (await runs.list({ run, limit: 1 })).length;
      await kept.forgetRun(run, noon);
      assert.equal(await there(), 1);
      const over = { phase: 'finished', outcome: 'passed', finishedAt: noon + 5 } as const;
      await runs.append(change(run, 1, { facts: [{ kind: 'run.finished', outcome: 'passed' }], row: over }));
      await kept.forgetRun(run, noon + 4);
      assert.equal(await there(), 1);
      await kept.forgetRun(run, noon + 5);
      assert.equal(await there(), 0);
    });

    it('forgets what is cleared, and old records of the audit, which nobody else can remove', async () => {
      const { database } = store.made;
      const kept = sqlHousekeeping(database);
      const run = await furnished('ada/shop');
      await sqlRunStore(database, store.epoch).remove(run);
      assert.deepEqual(await kept.leftovers(10), [{ kind: 'run', name: run }]);
      await kept.cleared({ kind: 'run', name: run });
      assert.deepEqual(await kept.leftovers(10), []);
      const audit = sqlAudit(database);
      const said = (at: number) => audit.append({ at, actor: { kind: 'anonymous' }, action: 'a', outcome: 'done', detail: {} });
      await said(noon);
      await said(noon + 1);
      await kept.forgetAudit(noon + 1);
      assert.deepEqual(
        (await audit.list({ limit: 10 })).map(({ at }) => at),
        [noon + 1],
      );
      await assert.rejects(sql`delete from audit`.execute(database.sql));
    });
  });
}

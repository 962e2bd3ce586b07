import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { virtualClock } from '../../lib/virtual-clock.ts';
import { defaultSettings, type Project } from '../projects.ts';
import type { Schedule } from '../schedules.ts';
import { newRun, noon } from '../testing/samples.ts';
import { someAccount, someHash } from '../testing/some-account.ts';
import { sqlAccounts } from './accounts.ts';
import { sqlApprovedAuthors } from './approved-authors.ts';
import { sqlAudit } from './audit.ts';
import type { Database } from './database.ts';
import { sqlDeliveries } from './deliveries.ts';
import { type Epoch, takeOver } from './epoch.ts';
import { sqlHousekeeping } from './housekeeping.ts';
import { sqlMarks } from './marks.ts';
import { sqlMembers } from './members.ts';
import { migrate, readMigrations } from './migrate.ts';
import { sqlOutbox, sqlSubscriptions } from './notifications.ts';
import { sqlProjects } from './projects.ts';
import { sqlRunRequests } from './run-requests.ts';
import { sqlRunStore } from './run-store.ts';
import { sqlSchedules } from './schedules.ts';
import { sqlSecrets } from './secrets.ts';
import { sqlSessions } from './sessions.ts';
import { type TestDatabase, testDatabases } from './testing/databases.ts';
import { sqlTokens } from './tokens.ts';
import { sqlUpstreams } from './upstreams.ts';

const project: Project = {
  name: 'ada/shop',
  cloneUrl: '',
  defaultBranch: 'main',
  visibility: 'private',
  webhookSecret: '',
  settings: defaultSettings,
  createdAt: noon,
};
const other: Project = { ...project, name: 'eve/shop' };
const ada = someAccount();
const hash = someHash();
const schedule: Schedule = {
  id: 'sch_1',
  project: project.name,
  cron: '@daily',
  timeZone: 'UTC',
  wants: {},
  by: 'ada',
  createdAt: noon,
  dueAt: noon,
  tryAt: noon,
};
const subscription = {
  id: 'sub_1',
  project: project.name,
  way: 'http' as const,
  target: '',
  place: '',
  wants: { outcomes: [], results: true, branches: [], environments: [], gates: false },
  by: 'ada',
  createdAt: noon,
};
const upstream = { id: 'up_1', project: project.name, after: { project: other.name }, wants: {}, by: 'ada', createdAt: noon };
const delivery = { project: project.name, id: 'd1', digest: 'd1', headers: {}, body: Buffer.from('{}'), at: noon };
const secret = {
  id: 'sec_1',
  project: project.name,
  name: 'TOKEN',
  kind: 'secret' as const,
  sealed: 'old',
  scope: { pipelines: [], branches: [], environments: [], triggers: [] },
  by: 'ada',
  at: noon,
};
const token = { id: 'tok_1', hash, name: 'ci', of: { kind: 'worker' as const }, createdAt: noon };
const session = { id: 'ses_1', hash, account: ada.id, createdAt: noon, seenAt: noon, address: '', agent: '' };
const record = { at: noon, actor: { kind: 'anonymous' as const }, action: 'test', outcome: 'done' as const, detail: {} };
const letter = { id: 'let_1', subscription: 'sub_1', event: 'run_a/finished', body: {}, createdAt: noon };

/** Every way to write that is not of runs and their queue, on what the test has put there. */
const writesOf = (database: Database): Readonly<Record<string, () => Promise<unknown>>> => {
  const [accounts, audit, deliveries] = [sqlAccounts(database), sqlAudit(database), sqlDeliveries(database)];
  const [housekeeping, marks, members] = [sqlHousekeeping(database), sqlMarks(database), sqlMembers(database)];
  const [subscriptions, outbox, projects] = [sqlSubscriptions(database), sqlOutbox(database), sqlProjects(database)];
  const [requests, schedules, secrets] = [sqlRunRequests(database), sqlSchedules(database), sqlSecrets(database)];
  const [sessions, tokens, upstreams] = [sqlSessions(database), sqlTokens(database), sqlUpstreams(database)];
  return {
    'an account, the first': () => accounts.addFirst(someAccount({ isAdmin: true })),
    'an account': () => accounts.add(someAccount()),
    'a change of an account': () => accounts.change(ada.id, (was) => ({ ...was, isClosed: true })),
    'authors who were approved': () => sqlApprovedAuthors(database).add(project.name, ['7']),
    'a record of the audit': () => audit.append(record),
    'a delivery that came': () => deliveries.add({ ...delivery, id: 'd2', digest: 'd2' }),
    'a delivery that is taken': () => deliveries.take({ now: noon, projects: 9, perProject: 9, except: [] }),
    'a delivery that is settled': () => deliveries.settle(delivery, { kind: 'done', note: '', runs: [], at: noon }),
    'bodies that are dropped': () => deliveries.forget(noon + 1),
    'a run that is forgotten': () => housekeeping.forgetRun('run_a', noon),
    'a leftover': () => housekeeping.cleared({ kind: 'run', name: 'run_z' }),
    'an old audit': () => housekeeping.forgetAudit(noon),
    'a mark': () => marks.move('notifications', noon + 1),
    'a member': () => members.set(project.name, ada.id, 'owner'),
    'a member who goes': () => members.remove(project.name, ada.id),
    'members of a project that goes': () => members.forget(project.name),
    'a subscription': () => subscriptions.add({ ...subscription, id: 'sub_2' }),
    'a subscription that goes': () => subscriptions.remove(project.name, 'sub_1'),
    'a letter': () => outbox.put([{ ...letter, id: 'let_2', event: 'other' }]),
    'a letter that is sent': () => outbox.move('let_1', { state: 'sent', tryAt: noon, attempts: 1 }),
    'letters that are held': () => outbox.hold('sub_1', noon),
    'letters that are cleared': () => outbox.clear(noon + 1),
    'a project': () => projects.add({ ...project, name: 'ada/other' }),
    'a change of a project': () => projects.change(project.name, (was) => ({ ...was, visibility: 'public' })),
    'a request for a run': () => requests.put({ project: project.name, once: 'two', request: '{}', at: noon }),
    'a request that has its run': () => requests.begun(project.name, 'one', 'run_a'),
    'the secrets of a request': () => requests.keepSecretsFile('run_a', Buffer.from('x')),
    'a request that is fetched': () => requests.fetched('run_a'),
    'a schedule': () => schedules.add({ ...schedule, id: 'sch_2' }),
    'a schedule that was due': () => schedules.move(schedule, { dueAt: noon + 1, tryAt: noon + 1 }),
    'a schedule that is paused': () => schedules.pause(project.name, 'sch_1', { at: noon, by: 'ada' }),
    'a schedule that goes on': () => schedules.resume(project.name, 'sch_1', noon + 2),
    'a schedule that goes': () => schedules.remove(project.name),
    'a secret': () => secrets.put({ ...secret, id: 'sec_2' }),
    'a secret that goes': () => secrets.remove(project.name, 'TOKEN', noon),
    'a secret under another key': () => secrets.reseal('sec_1', 'old', 'new'),
    'retired secrets': () => secrets.forget(noon + 1),
    'a session': () => sessions.add({ ...session, id: 'ses_2', hash: someHash() }),
    'a session that is seen': () => sessions.seen(hash, noon + 1),
    'a session that ends': () => sessions.end({ hash }),
    'a token': () => tokens.add({ ...token, id: 'tok_2', hash: someHash() }),
    'a token that is used': () => tokens.used('tok_1', noon),
    'a token that becomes a worker’s': () => tokens.bind('tok_1', 'w1'),
    'a token that goes': () => tokens.remove('tok_1', 'workers'),
    'an upstream': () => upstreams.add({ ...upstream, id: 'up_2' }),
    'a note of an upstream': () => upstreams.note('up_1', { at: noon, run: 'run_a', text: '' }),
    'an upstream that goes': () => upstreams.remove(project.name, 'up_1'),
    'a project that goes': () => projects.remove(project.name),
  };
};

const fill = async (database: Database, epoch: Epoch): Promise<void> => {
  await sqlProjects(database).add(project);
  await sqlProjects(database).add(other);
  await sqlAccounts(database).add(ada);
  await sqlRunStore(database, epoch).create(newRun('run_a'));
  await sqlDeliveries(database).add(delivery);
  await sqlSchedules(database).add(schedule);
  await sqlUpstreams(database).add(upstream);
  await sqlSubscriptions(database).add(subscription);
  await sqlOutbox(database).put([letter]);
  await sqlSecrets(database).put(secret);
  await sqlTokens(database).add(token);
  await sqlSessions(database).add(session);
  await sqlRunRequests(database).put({ project: project.name, once: 'one', request: '{}', at: noon });
};

const tablesOf = async ({ sql: db }: Database): Promise<Readonly<Record<string, string>>> => {
  const { rows } = await sql<{ name: string }>`select tablename as name from pg_tables where schemaname = 'public'`.execute(db);
  const contents: Record<string, string> = {};
  for (const { name } of rows) {
    if (name === 'server') continue;
    const found = await sql<{ content: string }>`select coalesce(json_agg(one), '[]')::text as content from ${sql.table(name)} one`.execute(
      db,
    );
    contents[name] = found.rows[0]?.content ?? '';
  }
  return contents;
};

for (const { name, skip, make } of testDatabases) {
  describe(`what a replaced server writes: ${name}`, { skip }, () => {
    let made: TestDatabase;
    let epoch: Epoch;
    before(async () => {
      made = await make();
      epoch = await takeOver(made.database, { clock: virtualClock() });
      await fill(made.database, epoch);
    });
    after(async () => {
      await epoch.release();
      await made.close();
    });

    /** Another has taken over, and this one does not know. */
    const replace = () => sql`update server set holder = 'another'`.execute(made.database.sql);

    it('is refused by every store, and nothing is changed (atk-74)', async () => {
      await replace();
      const was = await tablesOf(made.database);
      for (const [what, write] of Object.entries(writesOf(made.database))) {
        await assert.rejects(write(), { name: 'StoreError', code: 'STORE_LOCKED' }, what);
      }
      assert.deepEqual(await tablesOf(made.database), was);
      assert.equal(epoch.replaced.aborted, true);
      assert.equal((await sqlProjects(made.database).list()).length, 2);
    });

    it('is fenced in each table that more than runs and queue write, also in those that a later migration makes', async () => {
      await replace();
      const step = { number: 9001, name: '9001-later.sql', text: 'create table later (n int); insert into later values (1)' };
      await migrate(made.database, [...(await readMigrations()), step]);
      await assert.rejects(sql`delete from later`.execute(made.database.sql), { code: 'STORE_LOCKED' });
      const { rows } = await sql<{ name: string }>`select tablename as name from pg_tables where schemaname = 'public'
        and not exists (select from pg_trigger where tgrelid = tablename::regclass and tgname = 'fenced') order by name`.execute(
        made.database.sql,
      );
      assert.deepEqual(
        rows.map((row) => row.name),
        ['deployment', 'event', 'migration', 'project_number', 'queue_item', 'server'],
      );
    });

    it('counts again for who takes over, with the same ways to write', async () => {
      const next = name === 'Postgres' ? await made.another() : made.database;
      await sql`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted and objid = 4217003`.execute(
        next.sql,
      );
      await sql`delete from migration where number = 9001`.execute(next.sql);
      const theirs = await takeOver(next, { clock: virtualClock() });
      for (const [what, write] of Object.entries(writesOf(next))) await assert.doesNotReject(write(), what);
      await theirs.release();
    });
  });
}

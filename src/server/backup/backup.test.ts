import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { newRunId } from '../../lib/ids.ts';
import { SealError, sealerOf } from '../../secrets/sealer.ts';
import { defaultSettings } from '../../store/projects.ts';
import { sqlAudit } from '../../store/sql/audit.ts';
import type { Database } from '../../store/sql/database.ts';
import { sqlDeliveries } from '../../store/sql/deliveries.ts';
import { takeOver } from '../../store/sql/epoch.ts';
import { sqlMembers } from '../../store/sql/members.ts';
import { sqlAccounts } from '../../store/sql/accounts.ts';
import { sqlProjects } from '../../store/sql/projects.ts';
import { sqlQueue } from '../../store/sql/queue.ts';
import { sqlRunRequests } from '../../store/sql/run-requests.ts';
import { sqlRunStore } from '../../store/sql/run-store.ts';
import { sqlSecrets } from '../../store/sql/secrets.ts';
import { sqlPutSnapshot, sqlTakeSnapshot } from '../../store/sql/snapshot.ts';
import { sqlTokens } from '../../store/sql/tokens.ts';
import { type TestDatabase, testDatabases } from '../../store/sql/testing/databases.ts';
import { change, item, newRun, noon } from '../../store/testing/samples.ts';
import { projectSecrets } from '../secrets/project-secrets.ts';
import { archiveWriter } from './archive-writer.ts';
import { verifiedManifest } from './archive-reader.ts';
import { makeBackup } from './make-backup.ts';
import { takeUpBackup } from './take-up-backup.ts';

const key = randomBytes(32);
const project = 'ada/shop';
const strange = `a "b" \\ \0 \ud800 \u{1F680}\r\n\u2028`;

/** All that a server may know. */
const furnish = async (database: Database): Promise<void> => {
  const epoch = await takeOver(database);
  const runs = sqlRunStore(database, epoch);
  await sqlProjects(database).add({
    name: project,
    cloneUrl: 'https://forge.example/ada/shop.git',
    defaultBranch: 'main',
    visibility: 'private',
    webhookSecret: 'v1',
    settings: { ...defaultSettings, branches: [strange.replace('\0', '').replace('\ud800', '')] },
    createdAt: noon,
  });
  await sqlAccounts(database).add({ id: 'acc_1', name: 'ada', isAdmin: true, isClosed: false, forges: [], createdAt: noon });
  const tokens = sqlTokens(database);
  const token = { name: 'laptop', of: { kind: 'account', account: 'acc_1', scopes: ['read', 'tokens'] }, createdAt: noon } as const;
  await tokens.add({ ...token, id: 'maker', hash: 'maker' });
  for (let n = 1; n <= 120; n++) await tokens.add({ ...token, id: `tok_${n}`, hash: `${n}`, madeBy: 'maker' });
  // From then on it stands behind those that it made.
  await tokens.used('maker', noon);
  await sqlMembers(database).set(project, 'acc_1', 'owner');
  const secrets = projectSecrets({ store: sqlSecrets(database), sealer: sealerOf([key]), clock: { now: () => noon } });
  const scope = { pipelines: ['main'], branches: [], environments: [], triggers: [] };
  await secrets.put({ project, name: 'KEY', kind: 'secret', value: 'correct horse', by: 'ada', scope });
  await sqlDeliveries(database).add({ project, id: 'd', digest: 'x', headers: { a: 'b' }, body: randomBytes(1000), at: noon });
  for (let n = 1; n <= 120; n++) {
    const run = newRunId(noon + n);
    await sqlRunRequests(database).put({ project, once: `${n}`, request: '{}', at: noon });
    await runs.create(newRun(run, { once: `${n}` }));
    await sqlRunRequests(database).begun(project, `${n}`, run);
    const image = { reference: 'a', digest: 'sha256:1' };
    const deployment = { environment: 'live', changedFiles: 0, image, at: noon };
    await runs.append(
      change(run, 1, {
        facts: [
          { kind: 'run.noted', text: strange },
          { kind: 'deployment.recorded', stage: 'd', deployment },
        ],
        push: [item(run, 'later', { labels: ['a,b', 'c"d'] })],
      }),
    );
  }
  await sqlQueue(database, epoch).claim([{ worker: 'w1', labels: ['a,b', 'c"d'], slots: 1 }], { now: noon, until: noon + 15_000 });
  await sqlAudit(database).append({ at: noon, actor: { kind: 'anonymous' }, action: 'a', outcome: 'done', detail: {} });
  await epoch.release();
};

/** What the ports of a server answer. */
const answers = async (database: Database): Promise<unknown> => {
  const epoch = await takeOver(database);
  const runs = sqlRunStore(database, epoch);
  const rows = await runs.list({ limit: 1000 });
  const all = {
    projects: await sqlProjects(database).list(),
    rows,
    events: await Promise.all(rows.map(({ run }) => runs.events(run, 0))),
    deployments: await runs.deployments({ limit: 1000 }),
    queue: await sqlQueue(database, epoch).list(),
    secrets: await sqlSecrets(database).list(project),
    members: await sqlMembers(database).list(project),
    tokens: await sqlTokens(database).list({ account: 'acc_1' }),
    requests: await sqlRunRequests(database).pending(),
    deliveries: await sqlDeliveries(database).take({ now: noon * 2, projects: 1, perProject: 9, except: [] }),
    audit: await sqlAudit(database).list({ limit: 10 }),
  };
  await epoch.release();
  return { ...all, deliveries: all.deliveries.map((one) => ({ ...one, tries: 0 })) };
};

const cases = testDatabases.flatMap((from) => testDatabases.map((to) => ({ from, to })));

for (const { from, to } of cases) {
  describe(`a backup of ${from.name}, restored in ${to.name}`, { skip: from.skip || to.skip }, () => {
    let [source, target]: TestDatabase[] = [];
    let directory = '';
    before(async () => {
      [source, target] = [await from.make(), await to.make()];
      directory = mkdtempSync(join(tmpdir(), 'cion-backup-'));
    });
    after(async () => {
      await source?.close();
      await target?.close();
      rmSync(directory, { recursive: true, force: true });
    });

    it('gives the same answers, goes on with its numbers, and opens its secrets with the same key alone (atk-40)', async () => {
      assert.ok(source && target);
      await furnish(source.database);
      const data = join(directory, 'data');
      mkdirSync(join(data, 'results', 'run_1'), { recursive: true });
      writeFileSync(join(data, 'results', 'run_1', `${'long'.repeat(40)}@1.log`), randomBytes(200_000));
      writeFileSync(join(data, 'results', 'run_1', 'empty.log'), '');
      writeFileSync(join(data, 'server.key'), key.toString('base64'));
      const file = join(directory, 'backup.tar');
      const takeSnapshot = sqlTakeSnapshot(source.database);
      await makeBackup({ takeSnapshot, keys: [key], directory: data, to: file, at: noon });
      assert.equal(statSync(file).mode & 0o777, 0o600);
      for (const hidden of [key.toString('base64'), 'correct horse']) assert.equal(readFileSync(file).includes(hidden), false);

      await assert.rejects(verifiedManifest(file, [randomBytes(32)]), { code: 'BACKUP_KEY' });
      const manifest = await verifiedManifest(file, [randomBytes(32), key]);
      const into = join(directory, 'restored');
      const wanted = { manifest, from: file, directory: into, putSnapshot: sqlPutSnapshot(target.database) };
      await takeUpBackup(wanted);
      assert.deepEqual(await answers(target.database), await answers(source.database));
      const files = (at: string) =>
        readdirSync(at, { recursive: true, encoding: 'utf8' })
          .filter((name) => name.includes('.log'))
          .sort();
      assert.deepEqual(files(into), files(data));
      for (const name of files(into)) assert.deepEqual(readFileSync(join(into, name)), readFileSync(join(data, name)));

      const again = await takeOver(target.database);
      const next = await sqlRunStore(target.database, again).create(newRun(newRunId(noon)));
      assert.deepEqual(next, { kind: 'created', number: 121 });
      await again.release();
      const opened = (other: Buffer) =>
        projectSecrets({ store: sqlSecrets((target as TestDatabase).database), sealer: sealerOf([other]), clock: { now: () => noon } });
      await opened(key).reseal();
      await assert.rejects(opened(randomBytes(32)).reseal(), SealError);
      await assert.rejects(takeUpBackup(wanted), { code: 'RESTORE_NOT_EMPTY' });
    });
  });
}

describe('a backup', () => {
  let made: TestDatabase;
  let directory = '';
  before(async () => {
    const [first] = testDatabases;
    assert.ok(first);
    made = await first.make();
    directory = mkdtempSync(join(tmpdir(), 'cion-backup-'));
    mkdirSync(join(directory, 'data', 'outputs'), { recursive: true });
    writeFileSync(join(directory, 'data', 'outputs', 'o'), 'x'.repeat(3000));
    const takeSnapshot = sqlTakeSnapshot(made.database);
    await sql`insert into mark (name, at) values ('m', 1)`.execute(made.database.sql);
    await makeBackup({ takeSnapshot, keys: [key], directory: join(directory, 'data'), to: join(directory, 'good.tar'), at: noon });
  });
  after(async () => {
    await made.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const copy = (change: (bytes: Buffer) => Buffer): string => {
    const file = join(directory, 'other.tar');
    writeFileSync(file, change(readFileSync(join(directory, 'good.tar'))));
    return file;
  };

  it('that was changed anywhere, or breaks off anywhere, is refused (atk-86)', async () => {
    const good = readFileSync(join(directory, 'good.tar'));
    const { entries } = await verifiedManifest(join(directory, 'good.tar'), [key]);
    let refused = 0;
    for (let at = 0; at < good.length - 1024; at += 97) {
      const file = copy((bytes) => {
        bytes[at] = (bytes[at] ?? 0) ^ 1;
        return bytes;
      });
      try {
        // Owners and times in a header, and what fills up a block, say nothing.
        assert.deepEqual((await verifiedManifest(file, [key])).entries, entries, `byte ${at}`);
      } catch (error) {
        const { code } = error as { readonly code: string };
        assert.ok(['BACKUP_DAMAGED', 'BACKUP_KEY'].includes(code), `byte ${at}: ${String(error)}`);
        refused++;
      }
    }
    assert.ok(refused > 60, String(refused));
    for (let length = 0; length < good.length - 1024; length += 512) {
      const file = copy((bytes) => bytes);
      truncateSync(file, length);
      await assert.rejects(verifiedManifest(file, [key]), { code: 'BACKUP_DAMAGED' }, `${length} bytes`);
    }
  });

  it('that somebody made anew, with its sums in order but without the key, is refused (atk-86)', async () => {
    const file = join(directory, 'forged.tar');
    const handle = await open(file, 'w');
    const forger = randomBytes(32);
    const archive = archiveWriter(handle, [forger], noon);
    await archive.add('tables/account/000001.jsonl', 3, [Buffer.from('[]\n')]);
    await archive.end({ schema: [], tables: [] });
    await handle.close();
    await assert.rejects(verifiedManifest(file, [key]), { code: 'BACKUP_KEY' });
    const named = readFileSync(file);
    const theirs = JSON.parse(/\{"key".*?\}/.exec(named.toString('latin1'))?.[0] ?? '') as { readonly key: string };
    const good = JSON.parse(/\{"key".*?\}/.exec(readFileSync(join(directory, 'good.tar')).toString('latin1'))?.[0] ?? '') as typeof theirs;
    writeFileSync(file, Buffer.from(named.toString('latin1').replace(theirs.key, good.key), 'latin1'));
    await assert.rejects(verifiedManifest(file, [key]), { code: 'BACKUP_DAMAGED' });
  });

  it('leaves the one that was there when it fails, and nothing half', async () => {
    const to = join(directory, 'kept.tar');
    writeFileSync(to, 'the old one');
    const takeSnapshot = () => Promise.reject(new Error('the database is away'));
    await assert.rejects(makeBackup({ takeSnapshot, keys: [key], directory: undefined, to, at: noon }), /away/);
    assert.equal(readFileSync(to, 'utf8'), 'the old one');
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.endsWith('.part')),
      [],
    );
  });
});

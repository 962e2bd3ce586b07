import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { accountsContract } from '../accounts.contract.ts';
import { auditContract } from '../audit.contract.ts';
import { membersContract } from '../members.contract.ts';
import { sessionsContract } from '../sessions.contract.ts';
import { tokensContract } from '../tokens.contract.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqlAccounts } from './accounts.ts';
import { openDatabase } from './database.ts';
import { migrate, readMigrations } from './migrate.ts';
import { sqlAudit } from './audit.ts';
import { sqlMembers } from './members.ts';
import { sqlSessions } from './sessions.ts';
import { type TestDatabase, testDatabases } from './testing/databases.ts';
import { sqlTokens } from './tokens.ts';

for (const { name, skip, make } of testDatabases) {
  describe(name, { skip }, () => {
    let test: TestDatabase;
    before(async () => {
      test = await make();
    });
    after(() => test.close());

    const stores = async () => {
      await test.clear();
      const { database } = test;
      return {
        accounts: sqlAccounts(database),
        members: sqlMembers(database),
        sessions: sqlSessions(database),
        tokens: sqlTokens(database),
        audit: sqlAudit(database),
        close: () => Promise.resolve(),
      };
    };

    accountsContract(name, skip, stores);
    membersContract(name, skip, stores);
    sessionsContract(name, skip, stores);
    tokensContract(name, skip, stores);
    auditContract(name, skip, stores);

    it('an entry of the audit cannot be changed or taken out, not even by the server itself', async () => {
      const { audit } = await stores();
      await audit.append({ at: 1000, actor: { kind: 'anonymous' }, action: 'login', outcome: 'refused', detail: {} });
      const { sql: db } = test.database;
      await assert.rejects(sql`update audit set outcome = 'done'`.execute(db), { code: 'STORE_FAILED' });
      await assert.rejects(sql`delete from audit`.execute(db), { code: 'STORE_FAILED' });
      assert.deepEqual(
        (await audit.list({ limit: 10 })).map(({ outcome }) => outcome),
        ['refused'],
      );
    });
  });
}

it('who accounts were at GitHub is kept when they may be somebody at other forges, too', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'cion-test-old-'));
  const database = await openDatabase({ kind: 'embedded', directory });
  t.after(async () => {
    await database.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const all = await readMigrations();
  await migrate(
    database,
    all.filter(({ number }) => number < 8),
  );
  await sql`
    insert into account (id, name, is_admin, is_closed, forge_kind, forge_url, forge_id, forge_login, forge_token, created_at)
    values ('acc_1', 'ada', false, false, 'github', 'https://api.github.com', '41', 'Ada', 'sealed', 0),
      ('acc_2', 'bob', false, false, null, null, null, null, null, 0)`.execute(database.sql);
  await migrate(database, all);
  const accounts = sqlAccounts(database);
  const identity = { kind: 'github', url: 'https://api.github.com', id: '41', login: 'Ada', token: 'sealed' } as const;
  assert.deepEqual((await accounts.find({ forge: identity }))?.forges, [identity]);
  assert.deepEqual((await accounts.find({ name: 'bob' }))?.forges, []);
});

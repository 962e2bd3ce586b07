import { sql } from 'kysely';
import { runRequestsContract } from '../run-requests.contract.ts';
import { secretsContract } from '../secrets.contract.ts';
import { sqlRunRequests } from './run-requests.ts';
import { sqlSecrets } from './secrets.ts';
import { type TestDatabase, testDatabases } from './testing/databases.ts';

const seeded = async (made: TestDatabase): Promise<void> => {
  await made.clear();
  const db = made.database.sql;
  await sql`insert into project (name, project) values ('ada/app', '{}'), ('eve/app', '{}')`.execute(db);
  for (const [index, run] of ['run_1', 'run_2', 'run_3'].entries()) {
    await sql`
      insert into run (id, project, number, pipeline, phase, trigger, created_at, last_seq)
      values (${run}, 'ada/app', ${index + 1}, '', 'queued', '{}', 0, 0)`.execute(db);
  }
};

for (const { name, skip, make } of testDatabases) {
  secretsContract(name, skip, async () => {
    const made = await make();
    return { store: sqlSecrets(made.database), clear: () => seeded(made), close: made.close };
  });
  runRequestsContract(name, skip, async () => {
    const made = await make();
    return { store: sqlRunRequests(made.database), clear: () => seeded(made), close: made.close };
  });
}

import { queueContract } from '../queue.contract.ts';
import { runStoreContract } from '../run-store.contract.ts';
import { testDatabases } from './testing/databases.ts';
import { sqlStore } from './testing/sql-store.ts';

for (const { name, skip, make } of testDatabases) {
  runStoreContract(name, async () => sqlStore(await make()), skip);
  queueContract(name, async () => sqlStore(await make()), skip);
}

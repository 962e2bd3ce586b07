import type { StoreUnderTest } from '../../testing/samples.ts';
import { type Epoch, takeOver } from '../epoch.ts';
import { sqlQueue } from '../queue.ts';
import { sqlRunStore } from '../run-store.ts';
import type { TestDatabase } from './databases.ts';

/** Runs and queue in a database of the tests, and what is beneath. */
export type SqlStore = StoreUnderTest & { readonly made: TestDatabase; readonly epoch: Epoch };

export const sqlStore = async (made: TestDatabase): Promise<SqlStore> => {
  const { database } = made;
  const epoch = await takeOver(database);
  return {
    made,
    epoch,
    fresh: async () => {
      await made.clear();
      return { runs: sqlRunStore(database, epoch), queue: sqlQueue(database, epoch) };
    },
    close: async () => {
      await epoch.release();
      await made.close();
    },
  };
};

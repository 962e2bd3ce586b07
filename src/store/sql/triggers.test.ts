import { after, before, describe } from 'node:test';
import { approvedAuthorsContract } from '../approved-authors.contract.ts';
import { markStoreContract } from '../marks.contract.ts';
import { notificationStoresContract } from '../notifications.contract.ts';
import { scheduleStoreContract } from '../schedules.contract.ts';
import { upstreamStoreContract } from '../upstreams.contract.ts';
import { sqlApprovedAuthors } from './approved-authors.ts';
import { sqlMarks } from './marks.ts';
import { sqlOutbox, sqlSubscriptions } from './notifications.ts';
import { sqlSchedules } from './schedules.ts';
import { type TestDatabase, testDatabases } from './testing/databases.ts';
import { sqlUpstreams } from './upstreams.ts';

for (const { name, skip, make } of testDatabases) {
  describe(`schedules, upstreams, subscriptions, letters and approved authors in ${name}`, { skip }, () => {
    let made: TestDatabase;
    before(async () => {
      made = await make();
    });
    after(() => made.close());
    const empty = async () => {
      await made.clear();
      return made.database;
    };

    scheduleStoreContract(async () => sqlSchedules(await empty()));
    upstreamStoreContract(async () => sqlUpstreams(await empty()));
    approvedAuthorsContract(async () => sqlApprovedAuthors(await empty()));
    markStoreContract(async () => sqlMarks(await empty()));
    notificationStoresContract(async () => {
      const database = await empty();
      return { subscriptions: sqlSubscriptions(database), outbox: sqlOutbox(database) };
    });
  });
}

import type { Clock } from '../../lib/clock.ts';
import { sqlAccounts } from '../../store/sql/accounts.ts';
import { sqlApprovedAuthors } from '../../store/sql/approved-authors.ts';
import { sqlAudit } from '../../store/sql/audit.ts';
import { type Database, type DatabasePlace, openDatabase } from '../../store/sql/database.ts';
import { sqlDeliveries } from '../../store/sql/deliveries.ts';
import { takeOver } from '../../store/sql/epoch.ts';
import { sqlHousekeeping } from '../../store/sql/housekeeping.ts';
import { sqlMarks } from '../../store/sql/marks.ts';
import { sqlMembers } from '../../store/sql/members.ts';
import { sqlOutbox, sqlSubscriptions } from '../../store/sql/notifications.ts';
import { sqlProjects } from '../../store/sql/projects.ts';
import { sqlQueue } from '../../store/sql/queue.ts';
import { sqlRunRequests } from '../../store/sql/run-requests.ts';
import { sqlRunStore } from '../../store/sql/run-store.ts';
import { sqlSchedules } from '../../store/sql/schedules.ts';
import { sqlSecrets } from '../../store/sql/secrets.ts';
import { betweenTriesMs, pause } from '../../store/sql/server-lock.ts';
import { sqlSessions } from '../../store/sql/sessions.ts';
import { sqlTokens } from '../../store/sql/tokens.ts';
import { sqlUpstreams } from '../../store/sql/upstreams.ts';
import { StoreError } from '../../store/store-error.ts';

export type ServerState = Awaited<ReturnType<typeof openState>>;

/** An embedded database is had by one process; of others who is its server is asked later. */
const openWhenFree = async (place: DatabasePlace, clock: Clock, signal: AbortSignal, waiting: () => void): Promise<Database> => {
  for (let tries = 1; ; tries++) {
    try {
      return await openDatabase(place, clock);
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'STORE_LOCKED') throw error;
      if (tries === 1) waiting();
      await pause(clock, betweenTriesMs, signal);
      signal.throwIfAborted();
    }
  }
};

/** All that a server knows, in SQL. Waits while another server has the database; `waiting` is told so. */
export const openState = async (place: DatabasePlace, clock: Clock, signal: AbortSignal, waiting: () => void) => {
  const database = await openWhenFree(place, clock, signal, waiting);
  try {
    const epoch = await takeOver(database, { signal, clock, waiting });
    return {
      name: database.name,
      /** Aborts when another server has taken over. */
      replaced: epoch.replaced,
      runs: sqlRunStore(database, epoch),
      queue: sqlQueue(database, epoch),
      projects: sqlProjects(database),
      deliveries: sqlDeliveries(database),
      requests: sqlRunRequests(database),
      secrets: sqlSecrets(database),
      accounts: sqlAccounts(database),
      members: sqlMembers(database),
      sessions: sqlSessions(database),
      tokens: sqlTokens(database),
      audit: sqlAudit(database),
      approvedAuthors: sqlApprovedAuthors(database),
      schedules: sqlSchedules(database),
      upstreams: sqlUpstreams(database),
      subscriptions: sqlSubscriptions(database),
      outbox: sqlOutbox(database),
      marks: sqlMarks(database),
      housekeeping: sqlHousekeeping(database),
      close: async () => {
        await epoch.release();
        await database.close();
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
};

import { type Kysely, type Selectable, sql } from 'kysely';
import { batched } from '../../lib/batched.ts';
import { chooseItems, inTurn, type Held, type Waiting } from '../claim-order.ts';
import type { Queue, QueueClaim, QueueItem } from '../queue.ts';
import type { Database } from './database.ts';
import type { Epoch } from './epoch.ts';
import type { RunTables } from './run-tables.ts';

type Row = Selectable<RunTables['queue_item']>;
type Claim = { readonly requests: readonly QueueClaim[]; readonly lease: { readonly now: number; readonly until: number } };

/** The queue of a server in its database. Claims that come while one is under way are made together. */
export const sqlQueue = (database: Database, epoch: Epoch): Queue => {
  const db = database.sql.$extendTables<RunTables>();
  const claimTogether = batched((claims: readonly Claim[]) => epoch.write((trx) => claimAll(trx.$extendTables<RunTables>(), claims)));
  return {
    claim: (requests, lease) => (requests.every(({ slots }) => slots <= 0) ? Promise.resolve([]) : claimTogether({ requests, lease })),

    renew: async (held, until) => {
      if (held.length === 0) return new Set();
      const [items, tokens] = [held.map(({ item }) => item), held.map(({ token }) => token)];
      const renewed = await epoch.write(async (trx) => {
        const { rows } = await sql<{ id: string }>`
          with locked as (
            select id from queue_item join unnest(${items}::text[], ${tokens}::bigint[]) as held (item, held_token) on id = item and token = held_token
            order by id for update of queue_item)
          update queue_item set leased_until = ${until} from locked where queue_item.id = locked.id returning queue_item.id`.execute(trx);
        return rows;
      });
      return new Set(renewed.map(({ id }) => id));
    },

    reclaim: async (worker, until) => {
      const rows = await epoch.write(async (trx) => {
        const found = await sql<Row>`
          with locked as (select id from queue_item where claimed_by = ${worker} order by id for update)
          update queue_item set leased_until = ${until}, token = nextval('fencing_token'), sequence = 0
          from locked where queue_item.id = locked.id returning queue_item.*`.execute(trx);
        return found.rows;
      });
      return rows.toSorted((one, other) => one.place - other.place).map(queueItem);
    },

    lapsed: async (before) =>
      (
        await db.selectFrom('queue_item').selectAll().where('leased_until', '<', before).orderBy('leased_until').orderBy('place').execute()
      ).map(queueItem),

    list: async () => {
      const rows = await db.selectFrom('queue_item').selectAll().orderBy('claimed_at').orderBy('place').execute();
      const [held, waiting] = [rows.filter((row) => row.claimed_by !== null), rows.filter((row) => row.claimed_by === null)];
      return [...held.map(queueItem), ...inTurn(waiting.map(waitingItem), held.map(queueItem)).map(({ place: _, ...item }) => item)];
    },
  };
};

/** One transaction at a time does it, so that no group has more than its limit and no item two owners. */
const claimAll = async (db: Kysely<RunTables>, claims: readonly Claim[]): Promise<readonly (readonly QueueItem[])[]> => {
  const requests = claims.flatMap(({ requests, lease }, claim) => requests.map((request) => ({ ...request, ...lease, claim })));
  await sql`select pg_advisory_xact_lock(4217004)`.execute(db);
  const slots = requests.reduce((sum, request) => sum + Math.max(0, request.slots), 0);
  const choices = chooseItems(await waitingItems(db, slots), await heldItems(db), requests);
  const wanted = choices.flatMap(({ id, request }) => {
    const found = requests[request];
    return found === undefined ? [] : [{ id, ...found }];
  });
  const taken = wanted.length === 0 ? new Map<string, Row>() : await take(db, wanted);
  return claims.map((_, index) => wanted.flatMap(({ id, claim }) => (claim === index ? (taken.get(id) ?? []) : [])).map(queueItem));
};

/** As many of each class as there are slots: no more can be chosen. However long the queue is, only these are read. */
const waitingItems = async (db: Kysely<RunTables>, slots: number): Promise<readonly Waiting[]> => {
  const { rows } = await sql<Row>`
    with recursive line as (
      (select class from queue_item where claimed_by is null order by class limit 1)
      union all
      select (select class from queue_item where claimed_by is null and class > line.class order by class limit 1) from line where class is not null)
    select head.* from line cross join lateral (
      select * from queue_item where claimed_by is null and class = line.class order by place limit ${slots}) as head`.execute(db);
  return rows.map(waitingItem);
};

const heldItems = async (db: Kysely<RunTables>): Promise<readonly Held[]> =>
  (await db.selectFrom('queue_item').selectAll().where('claimed_by', 'is not', null).execute()).map(queueItem);

type Wanted = { readonly id: string; readonly worker: string; readonly now: number; readonly until: number };

/** One that an append is about to take out of the queue is left to it. */
const take = async (db: Kysely<RunTables>, wanted: readonly Wanted[]): Promise<ReadonlyMap<string, Row>> => {
  const ids = wanted.map(({ id }) => id);
  const { rows } = await sql<Row>`
    with free as (select id from queue_item where id = any (${ids}::text[]) and claimed_by is null for update skip locked)
    update queue_item set claimed_by = wanted.by, claimed_at = wanted.now, leased_until = wanted.until, token = nextval('fencing_token'), sequence = 0
    from free join unnest(${ids}::text[], ${wanted.map(({ worker }) => worker)}::text[], ${wanted.map(({ now }) => now)}::bigint[],
      ${wanted.map(({ until }) => until)}::bigint[]) as wanted (id, by, now, until) using (id)
    where queue_item.id = free.id returning queue_item.*`.execute(db);
  return new Map(rows.map((row) => [row.id, row]));
};

const waitingItem = (row: Row): QueueItem & Waiting => ({ ...queueItem(row), place: row.place });

const queueItem = (row: Row): QueueItem => ({
  id: row.id,
  run: row.run,
  stage: row.stage,
  attempt: row.attempt,
  project: row.project,
  pipeline: row.pipeline,
  priority: row.priority,
  labels: row.labels,
  ...(row.group_name !== null && row.group_limit !== null && { group: { name: row.group_name, limit: row.group_limit } }),
  ...(row.worker !== null && { worker: row.worker }),
  at: row.queued_at,
  ...(row.claimed_by !== null &&
    row.token !== null &&
    row.leased_until !== null &&
    row.claimed_at !== null && {
      claim: { worker: row.claimed_by, token: row.token, until: row.leased_until, at: row.claimed_at },
    }),
});

import { type Kysely, type Selectable, sql } from 'kysely';
import { batched } from '../../lib/batched.ts';
import { chooseItems, classOf, inTurn, type Held, type Waiting } from '../claim-order.ts';
import type { Queue, QueueClaim, QueueItem } from '../queue.ts';
import type { Database } from './database.ts';
import type { Epoch } from './epoch.ts';
import type { RunTables } from './run-tables.ts';

type Row = Selectable<RunTables['queue_item']>;
type Claim = { readonly requests: readonly QueueClaim[]; readonly lease: { readonly now: number; readonly until: number } };

/** The queue of a server in its database. Claims that come while one is under way are made together. */
export const sqlQueue = (database: Database, epoch: Epoch): Queue => {
  const db = database.sql.$extendTables<RunTables>();
  const claimTogether = batched((claims: readonly Claim[]) =>
    epoch.ask((asked, holder) => asked.transaction().execute((trx) => claimAll(trx, holder, claims))),
  );
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

    reclaim: async (worker, known, until) => {
      const rows = await epoch.write(async (trx) => {
        const found = await sql<Row>`
          with locked as (select id from queue_item where claimed_by = ${worker} and id <> all (${[...known]}::text[]) order by id for update)
          update queue_item set leased_until = ${until}, token = nextval('fencing_token'), sequence = 0
          from locked where queue_item.id = locked.id returning queue_item.*`.execute(trx);
        return found.rows;
      });
      return rows.toSorted((one, other) => one.place - other.place).map(queueItem);
    },

    regroup: (project, { name, limit }) =>
      epoch.write(async (trx) => {
        await sql`select pg_advisory_xact_lock(4217004)`.execute(trx);
        const { rows } = await sql<Row>`
          select * from queue_item where project = ${project} and coalesce(group_name, ${name}) = ${name} order by id for update`.execute(
          trx,
        );
        const group = limit === undefined ? {} : { group: { name, limit } };
        const classes = rows.map((row) => {
          const { group: _before, ...item } = waitingItem(row);
          return classOf({ ...item, ...group });
        });
        await sql`
          update queue_item set group_name = ${limit === undefined ? null : name}, group_limit = ${limit ?? null}, class = given.its_class
          from unnest(${rows.map(({ id }) => id)}::text[], ${classes}::text[]) as given (item, its_class) where queue_item.id = given.item`.execute(
          trx,
        );
      }),

    lapsed: async (before) =>
      (
        await db.selectFrom('queue_item').selectAll().where('leased_until', '<', before).orderBy('leased_until').orderBy('place').execute()
      ).map(queueItem),

    list: async () => {
      const rows = await db.selectFrom('queue_item').selectAll().orderBy('claimed_at').orderBy('place').execute();
      const held = rows.filter((row) => row.claimed_by !== null);
      const waiting = new Map(rows.flatMap((row) => (row.claimed_by === null ? [[row.id, row]] : [])));
      const turns = inTurn([...waiting.values()].map(waitingItem), held.map(claimable)).flatMap((id) => waiting.get(id) ?? []);
      return [...held, ...turns].map(queueItem);
    },
  };
};

/** One transaction at a time does it, so that no group has more than its limit and no item two owners. */
const claimAll = async (trx: Kysely<unknown>, holder: string, claims: readonly Claim[]): Promise<readonly (readonly QueueItem[])[]> => {
  const requests = claims.flatMap(({ requests, lease }, claim) => requests.map((request) => ({ ...request, ...lease, claim })));
  const slots = requests.reduce((sum, request) => sum + Math.max(0, request.slots), 0);
  const open = await sql<{ claims: Open }>`select open_claims(${holder}, ${slots}) as claims`.execute(trx);
  const { waiting = [], held = [] } = open.rows[0]?.claims ?? {};
  const choices = chooseItems(waiting.map(waitingItem), held.map(claimable), requests);
  const wanted = choices.flatMap(({ id, request }) => {
    const found = requests[request];
    return found === undefined ? [] : [{ id, ...found }];
  });
  const taken = wanted.length === 0 ? new Map<string, Row>() : await take(trx, wanted);
  return claims.map((_, index) => wanted.flatMap(({ id, claim }) => (claim === index ? (taken.get(id) ?? []) : [])).map(queueItem));
};

type Open = { readonly waiting: readonly WaitingRow[]; readonly held: readonly Grouped<'project' | 'pipeline'>[] };
type Grouped<Column extends keyof Row> = Pick<Row, Column | 'group_name' | 'group_limit'>;
type WaitingRow = Grouped<'id' | 'place' | 'project' | 'pipeline' | 'priority' | 'labels' | 'worker'>;
type Wanted = { readonly id: string; readonly worker: string; readonly now: number; readonly until: number };

const take = async (trx: Kysely<unknown>, wanted: readonly Wanted[]): Promise<ReadonlyMap<string, Row>> => {
  const columns = [
    wanted.map(({ id }) => id),
    wanted.map(({ worker }) => worker),
    wanted.map(({ now }) => now),
    wanted.map(({ until }) => until),
  ];
  const { rows } = await sql<Row>`select * from take_items(${sql.join(columns)})`.execute(trx);
  return new Map(rows.map((row) => [row.id, row]));
};

const waitingItem = ({ id, place, priority, labels, worker, ...row }: WaitingRow): Waiting => ({
  id,
  place,
  priority,
  labels,
  ...(worker !== null && { worker }),
  ...claimable(row),
});

const claimable = ({ project, pipeline, group_name: name, group_limit: limit }: Grouped<'project' | 'pipeline'>): Held => ({
  project,
  pipeline,
  ...(name !== null && limit !== null && { group: { name, limit } }),
});

const queueItem = (row: Row): QueueItem => ({
  id: row.id,
  run: row.run,
  stage: row.stage,
  attempt: row.attempt,
  ...claimable(row),
  priority: row.priority,
  labels: row.labels,
  ...(row.worker !== null && { worker: row.worker }),
  at: row.queued_at,
  ...(row.claimed_by !== null &&
    row.token !== null &&
    row.leased_until !== null &&
    row.claimed_at !== null && {
      claim: { worker: row.claimed_by, token: row.token, until: row.leased_until, at: row.claimed_at },
    }),
});

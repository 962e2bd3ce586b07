import { sql } from 'kysely';
import type { Letter, Outbox, Subscription, SubscriptionStore } from '../notifications.ts';
import type { Database } from './database.ts';
import { json, present } from './present.ts';

export const sqlSubscriptions = ({ sql: db }: Pick<Database, 'sql'>): SubscriptionStore => ({
  add: async (one) => {
    await sql`insert into subscription (id, project, way, target, shown, wants, by, created_at)
      values (${one.id}, ${one.project}, ${one.way}, ${one.target}, ${one.place}, ${json(one.wants)}::jsonb, ${one.by}, ${one.createdAt})`.execute(
      db,
    );
  },
  list: async (project) => {
    const { rows } =
      await sql<Subscription>`select id, project, way, target, shown as place, wants, by, created_at as "createdAt" from subscription
        where project = ${project} order by subscription.place`.execute(db);
    return rows;
  },
  remove: async (project, id) => {
    const { rows } =
      await sql`delete from subscription where project = ${project} and id = coalesce(${id ?? null}, id) returning id`.execute(db);
    return rows.length > 0;
  },
});

export const sqlOutbox = ({ sql: db }: Pick<Database, 'sql'>): Outbox => ({
  put: async (letters, { aside } = { aside: false }) => {
    for (const { id, subscription, event, body, createdAt } of letters) {
      await sql`insert into letter (id, subscription, event, body, created_at, state, try_at, attempts)
        select ${id}, subscription.id, ${event}, ${json(body)}::jsonb, ${createdAt}, 'waiting', ${aside ? createdAt : sql`greatest(${createdAt}::bigint, ${heldUntil})`}, 0
        from subscription where subscription.id = ${subscription}
        on conflict (subscription, event) do nothing`.execute(db);
    }
  },
  due: async (until, limit, except = []) => {
    const { rows } = await sql<Letter>`select ${columns} where state = 'waiting' and try_at <= ${until}
      and letter.subscription <> all(${[...except]}::text[])
      order by try_at, letter.place limit ${limit}`.execute(db);
    return rows.map(present);
  },
  move: async (id, { state, tryAt, attempts, note }) => {
    await sql`update letter set state = ${state}, try_at = ${tryAt}, attempts = ${attempts}, note = ${note ?? null} where id = ${id}`.execute(
      db,
    );
  },
  hold: async (subscription, until) => {
    await sql`update letter set try_at = ${until} where subscription = ${subscription} and state = 'waiting' and try_at < ${until}`.execute(
      db,
    );
  },
  list: async (subscription, limit) => {
    const { rows } = await sql<Letter>`select ${columns} where subscription.id = ${subscription}
      order by letter.place desc limit ${limit}`.execute(db);
    return rows.map(present);
  },
  clear: async (createdBefore) => {
    await sql`delete from letter where state <> 'waiting' and created_at < ${createdBefore}`.execute(db);
  },
});

/** Until when those of `subscription` wait; null: none does. In the order of the index that has those that wait alone. */
const heldUntil = sql`(select try_at from letter before where before.subscription = subscription.id and state = 'waiting'
  order by try_at desc limit 1)`;

const columns = sql`letter.id, event, body, letter.created_at as "createdAt", state, try_at as "tryAt", attempts, note,
  json_build_object('id', subscription.id, 'project', project, 'way', way, 'target', target) as subscription
  from letter join subscription on subscription.id = letter.subscription`;

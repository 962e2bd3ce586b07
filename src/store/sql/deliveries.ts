import { sql } from 'kysely';
import type { Delivery, DeliveryResult, DeliveryStore } from '../deliveries.ts';
import type { Database } from './database.ts';

const firstPauseMs = 1000;
const longestPauseMs = 5 * 60_000;
/** More doublings than it takes to the longest pause. */
const mostDoublings = 20;

export const sqlDeliveries = ({ sql: db }: Pick<Database, 'sql'>): DeliveryStore => ({
  add: async ({ project, id, digest, headers, body, at }) => {
    const [head, bytes] = [JSON.stringify(headers), Buffer.from(body)];
    const { rows } = await sql`
      with added as (
        insert into delivery (project, id, digest, headers, body, at, due_at)
        values (${project}, ${id}, ${digest}, ${head}::jsonb, ${bytes}, ${at}, ${at})
        on conflict do nothing returning id
      ), again as (
        update delivery set result = null, settled_at = null, tries = 0, due_at = ${at}, headers = ${head}::jsonb, body = ${bytes}
        where project = ${project} and digest = ${digest} and result ->> 'kind' = 'given-up' returning id
      )
      select id from added union all select id from again`.execute(db);
    return rows.length > 0;
  },
  take: async ({ now, projects, perProject, except }) => {
    const { rows } = await sql<TakenRow>`
      with turn as (
        select project, id, place, row_number() over (partition by project order by place) as nth
        from delivery where result is null and due_at <= ${now} and project <> all(${[...except]}::text[])
      ), chosen as (
        select project from turn where nth = 1 order by place limit ${projects}
      )
      update delivery set tries = delivery.tries + 1,
        due_at = ${now} + least(${longestPauseMs}, ${firstPauseMs} * power(2, least(delivery.tries, ${mostDoublings})))::bigint
      from turn join chosen using (project)
      where delivery.project = turn.project and delivery.id = turn.id and turn.nth <= ${perProject}
      returning delivery.project, delivery.id, delivery.digest, delivery.headers, delivery.body, delivery.at, delivery.tries, turn.place`.execute(
      db,
    );
    return rows
      .sort((a, b) => a.place - b.place)
      .map(({ place: _place, body, ...row }): Delivery => ({ ...row, body: body ?? Buffer.alloc(0) }));
  },
  settle: async ({ project, id }, result) => {
    await sql`
      update delivery set result = ${JSON.stringify(result)}::jsonb, settled_at = ${result.at}
      where project = ${project} and id = ${id} and result is null`.execute(db);
  },
  list: async (project, limit) => {
    const { rows } = await sql<ListedRow>`
      select project, id, headers, at, tries, result from delivery where project = ${project} order by place desc limit ${limit}`.execute(
      db,
    );
    return rows.map(({ result, ...row }) => ({ ...row, ...(result === null ? {} : { result }) }));
  },
  forget: async (before) => {
    await sql`update delivery set body = null where settled_at < ${before} and body is not null`.execute(db);
  },
});

type TakenRow = Omit<Delivery, 'body'> & { readonly body: Buffer | null; readonly place: number };
type ListedRow = Pick<Delivery, 'project' | 'id' | 'headers' | 'at' | 'tries'> & { readonly result: DeliveryResult | null };

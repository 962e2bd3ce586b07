import { sql } from 'kysely';
import type { Schedule, ScheduleStore } from '../schedules.ts';
import type { Database } from './database.ts';
import { json, present } from './present.ts';

export const sqlSchedules = ({ sql: db }: Pick<Database, 'sql'>): ScheduleStore => ({
  add: async (one) => {
    await sql`insert into schedule (id, project, cron, time_zone, wants, watch, by, created_at, due_at, try_at, version, note, paused)
      values (${one.id}, ${one.project}, ${one.cron}, ${one.timeZone}, ${json(one.wants)}::jsonb, ${json(one.watch)}::jsonb, ${one.by},
        ${one.createdAt}, ${one.dueAt}, ${one.tryAt}, ${one.version ?? null}, ${json(one.note)}::jsonb,
        ${json(one.paused)}::jsonb)`.execute(db);
  },
  list: async (project) => {
    const { rows } = await sql<Schedule>`select ${columns} from schedule where project = ${project} order by place`.execute(db);
    return rows.map(present);
  },
  due: async (what, until, limit) => {
    const { rows } = await sql<Schedule>`select ${columns} from schedule
      where paused is null and try_at <= ${until} and (watch is null) = ${what === 'times'}
      order by try_at, place limit ${limit}`.execute(db);
    return rows.map(present);
  },
  move: async (was, { dueAt, tryAt, version, note }) => {
    const { rows } = await sql`update schedule
      set due_at = ${dueAt}, try_at = ${tryAt}, version = ${version ?? null}, note = ${json(note)}::jsonb
      where id = ${was.id} and due_at = ${was.dueAt} and try_at = ${was.tryAt} returning id`.execute(db);
    return rows.length > 0;
  },
  stands: async (was) => {
    const { rows } =
      await sql`select from schedule where id = ${was.id} and due_at = ${was.dueAt} and try_at = ${was.tryAt} and paused is null`.execute(
        db,
      );
    return rows.length > 0;
  },
  pause: async (project, id, paused) => {
    const { rows } = await sql`update schedule set paused = ${json(paused)}::jsonb
      where project = ${project} and id = ${id} and paused is null returning id`.execute(db);
    return rows.length > 0;
  },
  resume: async (project, id, dueAt) => {
    const { rows } = await sql`update schedule set paused = null, due_at = ${dueAt}, try_at = ${dueAt}, version = null
      where project = ${project} and id = ${id} and paused is not null returning id`.execute(db);
    return rows.length > 0;
  },
  remove: async (project, id) => {
    const { rows } = await sql`delete from schedule where project = ${project} and id = coalesce(${id ?? null}, id) returning id`.execute(
      db,
    );
    return rows.length > 0;
  },
});

const columns = sql`id, project, cron, time_zone as "timeZone", wants, watch, by, created_at as "createdAt", due_at as "dueAt",
  try_at as "tryAt", version, note, paused`;

import { type Selectable, sql } from 'kysely';
import type { RunEvent } from '../../run/run-event.ts';
import { classOf } from '../claim-order.ts';
import type { DeploymentRow, NewQueueItem, RunChange, RunRow, RunStore } from '../run-store.ts';
import { StoreError } from '../store-error.ts';
import type { Database } from './database.ts';
import type { Epoch } from './epoch.ts';
import type { RunTables } from './run-tables.ts';

/** The runs of a server in its database. A create or an append is one statement, so that it takes one way there and back. */
export const sqlRunStore = (database: Database, epoch: Epoch): RunStore => {
  const db = database.sql.$extendTables<RunTables>();
  return {
    create: (run) =>
      epoch.ask(async (asked, holder) => {
        const { rows } = await sql<{ new_number: number | null; other: string | null }>`select * from create_run(
          ${holder}, ${run.run}, ${run.project}, ${run.pipeline}, ${run.commit ?? null}, ${JSON.stringify(run.trigger)}, ${run.once ?? null}, ${run.at})`.execute(
          asked,
        );
        const { new_number: number = null, other = null } = rows[0] ?? {};
        if (other !== null) return { kind: 'exists', run: other };
        if (number === null) throw new StoreError('STORE_FAILED', 'The database gave a run no number.');
        return { kind: 'created', number };
      }),

    append: (change) =>
      epoch.ask(async (asked, holder) => {
        const { rows } = await sql<{ answer: 'appended' | 'conflict' | 'fenced' }>`select append_to_run(${holder}, ${sql.join(
          appended(change),
        )}) as answer`.execute(asked);
        return rows[0]?.answer ?? 'conflict';
      }),

    events: async (run, after) => {
      const found = await db
        .selectFrom('event')
        .select(['seq', 'at', 'fact'])
        .where('run', '=', run)
        .where('seq', '>', after)
        .orderBy('seq')
        .execute();
      return found.map(({ seq, at, fact }): RunEvent => ({ seq, at, ...fact }));
    },

    list: async (filter) => {
      let found = db.selectFrom('run').selectAll();
      for (const column of ['project', 'number', 'branch', 'commit', 'pipeline', 'outcome'] as const) {
        if (filter[column] !== undefined) found = found.where(column, '=', filter[column]);
      }
      if (filter.run !== undefined) found = found.where('id', '=', filter.run);
      if (filter.runs !== undefined) found = found.where('id', '=', sql<string>`any(${[...filter.runs]}::text[])`);
      if (filter.finished !== undefined) found = found.where('phase', filter.finished ? '=' : '<>', 'finished');
      if (filter.finishedAfter !== undefined) found = found.where('finished_at', '>', filter.finishedAfter);
      const { before } = filter;
      if (before !== undefined) {
        found = found.where('place', '<', (older) => older.selectFrom('run as newer').select('newer.place').where('newer.id', '=', before));
      }
      return (await found.orderBy('place', 'desc').limit(filter.limit).execute()).map(runRow);
    },

    deployments: async ({ project, environment, limit }) => {
      let found = db.selectFrom('deployment').selectAll();
      if (project !== undefined) found = found.where('project', '=', project);
      if (environment !== undefined) found = found.where('environment', '=', environment);
      return (await found.orderBy('place', 'desc').limit(limit).execute()).map(deploymentRow);
    },

    remove: (run) =>
      epoch.write(async (asked) => {
        const trx = asked.$extendTables<RunTables>();
        await trx.selectFrom('run').select('id').where('id', '=', run).forUpdate().execute();
        await trx.selectFrom('queue_item').select('id').where('run', '=', run).orderBy('id').forUpdate().execute();
        await trx.deleteFrom('run').where('id', '=', run).execute();
      }),
  };
};

/** The parameters of `append_to_run` after the first. */
const appended = ({ run, after, events, row, push, remove, giveBack, guard }: RunChange): readonly unknown[] => {
  if (events.some(({ seq }, index) => seq !== after + index + 1)) {
    throw new StoreError('STORE_FAILED', `The events for ${run} do not go on from number ${after}.`);
  }
  return [
    run,
    after,
    events.map(({ at }) => at),
    events.map(factOf),
    json(rowOf(row)),
    json(deploymentsOf(events)),
    json(push.map(itemOf)),
    remove,
    giveBack,
    guard?.item ?? null,
    guard?.token ?? null,
    guard?.sequence ?? null,
  ];
};

const factOf = (event: RunEvent): string => {
  const { seq: _seq, at: _at, ...fact } = event;
  return JSON.stringify(fact);
};

const rowOf = ({ pipeline, phase, outcome, commit, branch, subject, digest, startedAt, finishedAt }: RunChange['row']) => ({
  pipeline,
  phase,
  outcome,
  commit,
  branch,
  subject,
  digest,
  startedAt,
  finishedAt,
});

const deploymentsOf = (events: readonly RunEvent[]) =>
  events.flatMap((event) => {
    if (event.kind !== 'deployment.recorded') return [];
    const { seq, stage, deployment } = event;
    return [{ seq, stage, environment: deployment.environment, deployment }];
  });

const itemOf = (item: NewQueueItem) => ({
  id: item.id,
  run: item.run,
  stage: item.stage,
  attempt: item.attempt,
  project: item.project,
  pipeline: item.pipeline,
  priority: item.priority,
  labels: item.labels,
  group_name: item.group?.name,
  group_limit: item.group?.limit,
  worker: item.worker,
  class: classOf(item),
  queued_at: item.at,
});

/** `null` for nothing. Where the database takes strings apart, it has no character 0 and no halves of a pair. */
const json = (value: object): string | null =>
  Array.isArray(value) && value.length === 0
    ? null
    : JSON.stringify(value, (_, part: unknown) => (typeof part === 'string' ? part.toWellFormed().replaceAll('\0', '\uFFFD') : part));

const runRow = (row: Selectable<RunTables['run']>): RunRow => ({
  run: row.id,
  project: row.project,
  number: row.number,
  pipeline: row.pipeline,
  phase: row.phase,
  ...(row.outcome !== null && { outcome: row.outcome }),
  trigger: row.trigger,
  ...(row.commit !== null && { commit: row.commit }),
  ...(row.branch !== null && { branch: row.branch }),
  ...(row.subject !== null && { subject: row.subject }),
  ...(row.digest !== null && { digest: row.digest }),
  createdAt: row.created_at,
  ...(row.started_at !== null && { startedAt: row.started_at }),
  ...(row.finished_at !== null && { finishedAt: row.finished_at }),
  lastSeq: row.last_seq,
});

const deploymentRow = ({ deployment, run, number, project, pipeline, stage, seq }: Selectable<RunTables['deployment']>): DeploymentRow => ({
  ...deployment,
  run,
  number,
  project,
  pipeline,
  stage,
  seq,
});

import type { RunEvent } from '../../run/run-event.ts';
import type { Queue } from '../queue.ts';
import type { DeploymentRow, NewRun, RunChange, RunFilter, RunRow, RunStore } from '../run-store.ts';
import { memoryQueue } from './memory-queue.ts';

/** Runs and queue that live as long as the process: for tests and simulations. */
export type MemoryStore = { readonly runs: RunStore; readonly queue: Queue };

export const memoryStore = (): MemoryStore => {
  const kept = new Map<string, Kept>();
  const queue = memoryQueue();

  const create = (run: NewRun): Awaited<ReturnType<RunStore['create']>> => {
    const ofProject = [...kept.values()].filter(({ row }) => row.project === run.project);
    const same = run.once === undefined ? undefined : ofProject.find(({ once }) => once === run.once);
    if (same !== undefined) return { kind: 'exists', run: same.row.run };
    const number = Math.max(0, ...ofProject.map(({ row }) => row.number)) + 1;
    const { once, at, ...rest } = run;
    const created: RunEvent = { seq: 1, at, kind: 'run.created', run: run.run, number, project: run.project, trigger: run.trigger };
    kept.set(run.run, {
      row: { ...rest, number, phase: 'queued', createdAt: at, lastSeq: 1 },
      events: [created],
      ...(once === undefined ? {} : { once }),
    });
    return { kind: 'created', number };
  };

  const append = (change: RunChange): Awaited<ReturnType<RunStore['append']>> => {
    const known = kept.get(change.run);
    if (known === undefined || known.row.lastSeq !== change.after) return 'conflict';
    if (change.guard !== undefined && !queue.passes(change.guard)) return 'fenced';
    for (const event of change.events) known.events.push(event);
    const { outcome: _outcome, startedAt: _startedAt, finishedAt: _finishedAt, ...row } = known.row;
    known.row = { ...row, ...change.row, lastSeq: change.after + change.events.length };
    queue.change(change);
    return 'appended';
  };

  const newestFirst = (): readonly Kept[] => [...kept.values()].sort((a, b) => (a.row.run < b.row.run ? 1 : -1));

  return {
    queue: queue.port,
    runs: {
      create: async (run) => create(run),
      append: async (change) => append(change),
      events: async (run, after) => kept.get(run)?.events.slice(after) ?? [],
      list: async (filter) =>
        newestFirst()
          .map(({ row }) => row)
          .filter((row) => isAsked(row, filter))
          .slice(0, filter.limit),
      deployments: async ({ project, environment, limit }) =>
        newestFirst()
          .flatMap(deploymentsOf)
          .filter((row) => (project ?? row.project) === row.project && (environment ?? row.environment) === row.environment)
          .sort((a, b) => b.at - a.at)
          .slice(0, limit),
      remove: async (run) => {
        kept.delete(run);
        queue.forget(run);
      },
    },
  };
};

type Kept = { row: RunRow; readonly events: RunEvent[]; readonly once?: string };

const isAsked = (row: RunRow, filter: RunFilter): boolean =>
  (['project', 'number', 'run', 'branch', 'commit', 'pipeline', 'outcome'] as const).every(
    (key) => filter[key] === undefined || filter[key] === row[key],
  ) &&
  (filter.finished === undefined || filter.finished === (row.phase === 'finished')) &&
  (filter.finishedAfter === undefined || (row.finishedAt !== undefined && row.finishedAt > filter.finishedAfter)) &&
  (filter.before === undefined || row.run < filter.before);

const deploymentsOf = ({ row, events }: Kept): readonly DeploymentRow[] =>
  events
    .flatMap((event) =>
      event.kind === 'deployment.recorded'
        ? [
            {
              ...event.deployment,
              run: row.run,
              number: row.number,
              project: row.project,
              pipeline: row.pipeline,
              stage: event.stage,
              seq: event.seq,
            },
          ]
        : [],
    )
    .reverse();

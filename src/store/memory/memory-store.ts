import type { RunEvent } from '../../run/run-event.ts';
import type { Queue } from '../queue.ts';
import type { DeploymentRow, NewRun, RunChange, RunFilter, RunRow, RunStore } from '../run-store.ts';
import { memoryQueue } from './memory-queue.ts';

/** Runs and queue that live as long as the process: for tests and simulations. */
export type MemoryStore = { readonly runs: RunStore; readonly queue: Queue };

export const memoryStore = (): MemoryStore => {
  const kept = new Map<string, Kept>();
  const numbers = new Map<string, number>();
  let deployments: readonly DeploymentRow[] = [];
  const queue = memoryQueue();

  const create = (run: NewRun): Awaited<ReturnType<RunStore['create']>> => {
    const again = kept.get(run.run);
    if (again !== undefined) return { kind: 'created', number: again.row.number };
    const isSame = ({ row, once }: Kept): boolean => run.once !== undefined && row.project === run.project && once === run.once;
    const same = [...kept.values()].find(isSame);
    if (same !== undefined) return { kind: 'exists', run: same.row.run };
    const number = (numbers.get(run.project) ?? 0) + 1;
    numbers.set(run.project, number);
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
    if (change.guard !== undefined && !queue.passes(change.guard)) return 'fenced';
    if (known === undefined || known.row.lastSeq !== change.after) return 'conflict';
    for (const event of change.events) known.events.push(event);
    const { run, project, number, trigger, createdAt } = known.row;
    known.row = { run, project, number, trigger, createdAt, ...change.row, lastSeq: change.after + change.events.length };
    deployments = [...deploymentsOf(known.row, change.events), ...deployments];
    queue.change(change);
    return 'appended';
  };

  const rows = (): readonly RunRow[] => [...kept.values()].map(({ row }) => row).reverse();
  const olderThan = (before: string | undefined): readonly RunRow[] => {
    if (before === undefined) return rows();
    const index = rows().findIndex(({ run }) => run === before);
    return index === -1 ? [] : rows().slice(index + 1);
  };

  return {
    queue: queue.port,
    runs: {
      create: async (run) => create(run),
      append: async (change) => append(change),
      events: async (run, after) => kept.get(run)?.events.slice(after) ?? [],
      list: async (filter) =>
        olderThan(filter.before)
          .filter((row) => isAsked(row, filter))
          .slice(0, filter.limit),
      deployments: async ({ project, environment, limit }) =>
        deployments
          .filter((row) => (project ?? row.project) === row.project && (environment ?? row.environment) === row.environment)
          .slice(0, limit),
      remove: async (run) => {
        kept.delete(run);
        deployments = deployments.filter((row) => row.run !== run);
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
  (filter.runs === undefined || filter.runs.includes(row.run)) &&
  (filter.finished === undefined || filter.finished === (row.phase === 'finished')) &&
  (filter.finishedAfter === undefined || (row.finishedAt !== undefined && row.finishedAt > filter.finishedAfter));

/** The newest first. */
const deploymentsOf = ({ run, number, project, pipeline }: RunRow, events: readonly RunEvent[]): readonly DeploymentRow[] =>
  events
    .flatMap((event) =>
      event.kind === 'deployment.recorded'
        ? [{ ...event.deployment, run, number, project, pipeline, stage: event.stage, seq: event.seq }]
        : [],
    )
    .reverse();

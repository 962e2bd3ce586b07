import type { RunFact } from '../../run/run-event.ts';
import type { Queue, QueueItem } from '../queue.ts';
import type { NewQueueItem, NewRun, RunChange, RunStore } from '../run-store.ts';

/** A place for runs and queue: `fresh` empties it. */
export type StoreUnderTest = { fresh(): Promise<{ readonly runs: RunStore; readonly queue: Queue }>; close(): Promise<void> };

export const noon = Date.UTC(2026, 10, 21, 12, 0, 0);

export const newRun = (run: string, more: Partial<NewRun> = {}): NewRun => ({
  run,
  project: 'ada/shop',
  pipeline: 'main',
  trigger: { kind: 'manual', by: 'ada' },
  at: noon,
  ...more,
});

export const noted = (text: string): RunFact => ({ kind: 'run.noted', text });

type Change = Partial<Omit<RunChange, 'events' | 'row'>> & {
  readonly facts?: readonly RunFact[];
  readonly row?: Partial<RunChange['row']>;
};

export const change = (run: string, after: number, { facts = [], row, ...more }: Change = {}): RunChange => ({
  run,
  after,
  events: facts.map((fact, index) => ({ seq: after + index + 1, at: noon + after + index + 1, ...fact })),
  row: { phase: 'running', pipeline: 'main', ...row },
  push: [],
  remove: [],
  giveBack: [],
  ...more,
});

/** The first attempt of that stage. */
export const item = (run: string, stage: string, more: Partial<NewQueueItem> = {}): NewQueueItem => ({
  id: `${run}/${stage}/1`,
  run,
  stage,
  attempt: 1,
  project: 'ada/shop',
  pipeline: 'main',
  priority: 0,
  labels: [],
  at: noon,
  ...more,
});

export const idsOf = (items: readonly QueueItem[]): readonly string[] => items.map(({ id }) => id);
export const stagesOf = (items: readonly QueueItem[]): readonly string[] => items.map(({ stage }) => stage);

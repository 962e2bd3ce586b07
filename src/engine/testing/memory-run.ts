import { Readable } from 'node:stream';
import type { Clock } from '../../lib/clock.ts';
import { planDigest } from '../../plan/digest.ts';
import type { Circumstances, Plan } from '../../plan/plan.ts';
import { memoryResults } from '../../results/memory/memory-results.ts';
import type { Gatekeeper } from '../../run/gatekeeper.ts';
import { type Journal, stamped } from '../../run/journal.ts';
import type { RunEvent, RunFact } from '../../run/run-event.ts';
import { fakeRuntime } from '../../runtimes/fake/fake-runtime.ts';
import type { ExecuteDeps, ExecuteOptions } from '../execute.ts';
import type { Sink } from '../sink.ts';
import { memoryCaches, memoryTrees } from './memory-stores.ts';

/** A journal in memory that already tells of a fetched and planned run. */
export const plannedJournal = (plan: Plan, run = 'run_1', circumstances?: Circumstances): Journal & { readonly events: RunEvent[] } => {
  const facts: readonly RunFact[] = [
    { kind: 'run.created', run, number: 1, project: 'test', trigger: { kind: 'manual', by: 'test' } },
    { kind: 'fetch.started' },
    { kind: 'fetch.finished', source: { commit: 'c0ffee', changedFiles: 0, files: 1, bytes: 1 } },
    { kind: 'run.planned', plan, digest: planDigest(plan), ...(circumstances && { circumstances }) },
  ];
  const events = [...stamped(facts, 0, 0)];
  return {
    run,
    past: [...events],
    events,
    append: async (added) => {
      for (const event of added) events.push(event);
    },
  };
};

export const quietSink: Sink = { event: () => {}, log: () => {}, note: () => {} };

/** Nobody ever decides. */
export const nobody: Gatekeeper = { made: async () => undefined, decided: () => new Promise(() => {}) };

export const depsFor = (journal: Journal, clock: Clock, more: Partial<ExecuteDeps> = {}): ExecuteDeps => ({
  journal,
  project: 'test',
  runtime: fakeRuntime({ clock }),
  results: memoryResults(),
  clock,
  outside: { variable: () => undefined, secret: () => undefined },
  sink: quietSink,
  gatekeeper: nobody,
  source: () => Readable.from([Buffer.alloc(1024)]),
  caches: memoryCaches(),
  trees: memoryTrees(),
  ...more,
});

export const optionsFor = (more: Partial<ExecuteOptions> = {}): ExecuteOptions => ({
  concurrency: 4,
  onFailure: 'continue',
  recordChanged: false,
  cancel: new AbortController().signal,
  force: new AbortController().signal,
  ...more,
});

import assert from 'node:assert/strict';
import { virtualClock } from '../../lib/virtual-clock.ts';
import type { Circumstances, Plan, Stage } from '../../plan/plan.ts';
import { reference, stage } from '../../plan/stage.ts';
import { memoryResults } from '../../results/memory/memory-results.ts';
import type { Results } from '../../results/results.ts';
import type { RunEvent } from '../../run/run-event.ts';
import type { RunState, StageState } from '../../run/run-state.ts';
import { fakeRuntime, fakeWorld } from '../../runtimes/fake/fake-runtime.ts';
import { type ExecuteDeps, type ExecuteOptions, execute } from '../execute.ts';
import { JournalError } from '../journal-error.ts';
import { depsFor, optionsFor, plannedJournal } from './memory-run.ts';

export const literal = (env: Readonly<Record<string, string>>): Stage['env'] =>
  Object.fromEntries(Object.entries(env).map(([name, value]) => [name, { kind: 'literal', value } as const]));

export const doing = (name: string, env: Readonly<Record<string, string>> = {}, more: Partial<Stage> = {}): Stage =>
  stage({ name, image: reference('busybox:latest'), env: literal(env), ...more });
export const after = (...needs: readonly string[]): Partial<Stage> => ({ needs: needs.map((node) => ({ node, on: 'passed' as const })) });

export const stageOf = (state: RunState | undefined, name: string): StageState => {
  const node = state?.nodes.get(name);
  assert.ok(node?.kind === 'stage');
  return node;
};
export const spans = (events: readonly RunEvent[], name: string): { readonly start: number; readonly end: number } => ({
  start: events.find((event) => event.kind === 'stage.started' && event.stage === name)?.at ?? Number.NaN,
  end: events.find((event) => event.kind === 'stage.finished' && event.stage === name)?.at ?? Number.NaN,
});

export const logOf = async (results: Results, name: string, part?: 'done'): Promise<string> => {
  const parts: Uint8Array[] = [];
  for await (const chunk of results.readLog(
    { run: 'run_1', stage: name, ...(part === undefined ? {} : { part }) },
    { from: 0, follow: false, signal: new AbortController().signal },
  ))
    parts.push(chunk.bytes);
  return Buffer.concat(parts).toString();
};

export const runPlan = async (
  plan: Plan,
  options: Partial<ExecuteOptions> = {},
  deps: Partial<ExecuteDeps> = {},
  circumstances?: Circumstances,
) => {
  const clock = virtualClock({ whenIdle: 'run' });
  const journal = plannedJournal(plan, undefined, circumstances);
  const results = memoryResults();
  const executed = await execute(depsFor(journal, clock, { results, ...deps }), optionsFor(options));
  return { state: executed.state, events: journal.events, results, clock };
};

/**
 * Each process dies when it wants to write more than so many events; the last one is left alone. All share one engine and one place for
 * results. Answers what the last one knows.
 */
export const runAndCrash = async (
  plan: Plan,
  lives: readonly number[],
  options: Partial<ExecuteOptions> = {},
  more: Partial<ExecuteDeps> = {},
) => {
  const clock = virtualClock({ whenIdle: 'run' });
  const world = fakeWorld();
  const results = memoryResults();
  const journal = plannedJournal(plan);
  for (const life of [...lives, Number.POSITIVE_INFINITY]) {
    const past = [...journal.events];
    const limit = past.length + life;
    const append = (events: readonly RunEvent[]): Promise<void> =>
      journal.events.length + events.length > limit ? Promise.reject(new Error('killed')) : journal.append(events);
    const deps = depsFor({ ...journal, past, append }, clock, { results, runtime: fakeRuntime({ clock, world }), ...more });
    try {
      const { state } = await execute(deps, optionsFor(options));
      return { state, events: journal.events, results };
    } catch (error) {
      assert.ok(error instanceof JournalError);
    }
  }
  return assert.fail('unreachable');
};

export const endsOf = (state: RunState) => [
  state.outcome,
  ...[...state.nodes.values()].map((node) => [
    node.name,
    node.outcome,
    node.skip,
    node.kind === 'stage' ? node.attempts.map((attempt) => [attempt.attempt, attempt.outcome, attempt.cause]) : [],
  ]),
];

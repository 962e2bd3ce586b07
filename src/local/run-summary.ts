import { fold } from '../run/fold.ts';
import { gatesWaitedAt } from '../run/gates-waited-at.ts';
import type { Outcome, Phase } from '../run/outcome.ts';
import type { Deployment, RunEvent, Source, Trigger } from '../run/run-event.ts';

/** What a list of runs and the ledger need of a run, however long its journal is. */
export type RunSummary = {
  readonly run: string;
  readonly number: number;
  readonly project: string;
  readonly trigger: Trigger;
  readonly createdAt: number;
  readonly phase: Phase;
  readonly outcome?: Outcome;
  readonly finishedAt?: number;
  readonly pipeline?: string;
  /** It was about some stages of the plan only. */
  readonly isPartial?: true;
  /** Gates that it waits at while nothing of it runs; its phase is `waiting` then. */
  readonly waitsAt?: readonly string[];
  readonly source?: Source;
  /** Of stages that passed, in the order of the events. */
  readonly deployments: readonly (Deployment & { readonly stage: string })[];
};

/** `undefined` when the run was never created. */
export const summarise = (events: readonly RunEvent[]): RunSummary | undefined => {
  const state = fold(events);
  if (state === undefined) return undefined;
  const passed = (name: string): boolean => {
    const node = state.nodes.get(name);
    return node?.kind === 'stage' && node.attempts.some(({ outcome }) => outcome === 'passed');
  };
  const waitsAt = gatesWaitedAt(state);
  const { run, number, project, trigger, createdAt, phase, outcome, finishedAt, plan, fetch, deployments } = state;
  return {
    run,
    number,
    project,
    trigger,
    createdAt,
    phase: waitsAt.length === 0 ? phase : 'waiting',
    ...(outcome === undefined ? {} : { outcome }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
    ...(plan === undefined ? {} : { pipeline: plan.pipeline }),
    ...(state.only === undefined ? {} : { isPartial: true }),
    ...(waitsAt.length === 0 ? {} : { waitsAt }),
    ...(fetch.source === undefined ? {} : { source: fetch.source }),
    deployments: deployments.filter(({ stage }) => passed(stage)),
  };
};

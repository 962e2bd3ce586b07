import { type IndexedPlan, indexPlan } from '../../engine/decide.ts';
import { type Items, itemsOf, mountedArtifacts } from '../../engine/items.ts';
import { askedOutputs } from '../../engine/values.ts';
import type { Plan, Stage } from '../../plan/plan.ts';
import type { RunState } from '../../run/run-state.ts';
import type { DispatcherDeps } from './dispatcher-deps.ts';

/** What is made once of a run's plan. */
export type PlanParts = {
  readonly indexed: IndexedPlan;
  readonly items: Items;
  /** Stages whose stdout another one asks for. */
  readonly asked: ReadonlySet<string>;
  /** Stages whose artifacts another one mounts. */
  readonly mounted: ReadonlySet<string>;
};

/** `owner`: whose caches its stages mount on a worker's engine. `isPrinting`: the configuration asks for what each of its stages writes. */
export const planParts = (
  plan: Plan,
  owner: string,
  state: () => RunState,
  outputOf: DispatcherDeps['outputOf'],
  isPrinting = false,
): PlanParts => ({
  indexed: indexPlan(plan),
  items: itemsOf(plan, owner, state, { read: (stage) => outputOf(state(), stage) }),
  asked: isPrinting ? new Set(plan.nodes.map(({ name }) => name)) : askedOutputs(plan),
  mounted: mountedArtifacts(plan),
});

export const stageIn = ({ indexed }: PlanParts, name: string): Stage | undefined => {
  const node = indexed.nodes.get(name);
  return node?.kind === 'stage' ? node : undefined;
};

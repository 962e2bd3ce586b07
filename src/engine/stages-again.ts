import { ancestorsOf, dependantsOf } from '../plan/graph.ts';
import type { Plan, Stage } from '../plan/plan.ts';
import { imagesOf, outputsAskedBy } from '../plan/stage.ts';
import type { RunState } from '../run/run-state.ts';

/**
 * The nodes that get another attempt, in the plan's order. Of all that the run was about, or of what did not pass; with it goes all that
 * needs it, and what has to run again because what it made went with the run: files in volumes that later stages see, images, outputs
 * that were kept nowhere.
 */
export const stagesAgain = (plan: Plan, state: RunState, which: 'all' | 'failed'): readonly string[] => {
  const selected = plan.nodes.map((node) => node.name).filter((name) => state.only?.has(name) ?? true);
  if (which === 'all') return selected;
  const dependants = dependantsOf(plan.nodes);
  const providers = providersIn(plan);
  const again = new Set<string>();
  const open = selected.filter((name) => state.nodes.get(name)?.outcome !== 'passed');
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (again.has(name) || state.only?.has(name) === false) continue;
    again.add(name);
    open.push(...(dependants.get(name) ?? []).map((node) => node.name), ...providers(name));
  }
  return selected.filter((name) => again.has(name));
};

/** Ancestors whose work a stage needs and that is gone when the run is over. */
const providersIn = (plan: Plan): ((name: string) => readonly string[]) => {
  const ancestors = ancestorsOf(plan);
  const stages = plan.nodes.filter((node) => node.kind === 'stage');
  const byName = new Map(stages.map((stage) => [stage.name, stage]));
  return (name) => {
    const stage = byName.get(name);
    if (stage === undefined) return [];
    const before = ancestors(name);
    return stages.filter((other) => before.has(other.name) && provides(other, stage)).map((other) => other.name);
  };
};

const provides = (before: Stage, stage: Stage): boolean => {
  const written = new Set(
    before.mounts.flatMap((mount) => (mount.kind === 'volume' && mount.access === 'read-write' ? [mount.volume] : [])),
  );
  return (
    stage.mounts.some((mount) => mount.kind === 'volume' && written.has(mount.volume)) ||
    stage.mounts.some((mount) => mount.kind === 'artifacts' && mount.stage === before.name) ||
    imagesOf(stage).some((image) => image.kind === 'stage' && image.stage === before.name) ||
    (before.sensitive && outputsAskedBy(stage).includes(before.name))
  );
};

import { dependantsOf } from '../plan/graph.ts';
import type { Plan, Stage } from '../plan/plan.ts';
import type { RunState } from '../run/run-state.ts';

/**
 * The nodes that get another attempt in a re-run: all of the run's, or those that did not pass. With them go the nodes that need them,
 * and the stages that wrote the volumes they mount: a run's volumes are gone when it is over. In the plan's order.
 */
export const rerunOf = (plan: Plan, state: RunState, which: 'all' | 'failed'): readonly string[] => {
  const selected = plan.nodes.filter((node) => state.only?.has(node.name) !== false);
  const writers = writersOf(plan);
  const dependants = dependantsOf(plan.nodes);
  const chosen = new Set<string>();
  const open = selected.filter((node) => which === 'all' || !isGreen(state, node.name)).map((node) => node.name);
  const byName = new Map(selected.map((node) => [node.name, node]));
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = byName.get(name);
    if (node === undefined || chosen.has(name)) continue;
    chosen.add(name);
    open.push(...(dependants.get(name) ?? []).map((dependant) => dependant.name));
    if (node.kind === 'stage') open.push(...volumesOf(node).flatMap((volume) => writers.get(volume) ?? []));
  }
  return plan.nodes.map((node) => node.name).filter((name) => chosen.has(name));
};

const isGreen = (state: RunState, name: string): boolean => {
  const node = state.nodes.get(name);
  return (
    node?.outcome === 'passed' || (node?.outcome === 'skipped' && (node.skip?.kind === 'condition' || node.skip?.kind === 'not-selected'))
  );
};

const volumesOf = (stage: Stage): readonly string[] => stage.mounts.flatMap((mount) => (mount.kind === 'volume' ? [mount.volume] : []));

const writersOf = (plan: Plan): ReadonlyMap<string, readonly string[]> => {
  const writers = new Map<string, string[]>();
  for (const node of plan.nodes) {
    if (node.kind !== 'stage') continue;
    for (const mount of node.mounts) {
      if (mount.kind === 'volume' && mount.access === 'read-write')
        writers.set(mount.volume, [...(writers.get(mount.volume) ?? []), node.name]);
    }
  }
  return writers;
};

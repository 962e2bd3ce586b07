import type { Stage } from '../plan/plan.ts';
import type { NodeState, RunState } from '../run/run-state.ts';
import type { IndexedPlan } from './decide.ts';

/**
 * The next stages that will be ready when all goes well, nearest first, at most `count`: those worth making ready while `running` runs.
 * Each of their needs has finished, is under way, or is itself among them; and it is known what they will be made of.
 */
export const upcoming = (
  indexed: IndexedPlan,
  state: RunState,
  running: string,
  count: number,
  canForesee: (stage: Stage) => boolean,
): readonly Stage[] => {
  const found = new Map<string, Stage>();
  const open = [running];
  for (let name = open.shift(); name !== undefined && found.size < count; name = open.shift()) {
    for (const node of indexed.dependants.get(name) ?? []) {
      if (node.kind !== 'stage' || found.size >= count || found.has(node.name)) continue;
      if (state.nodes.get(node.name)?.phase !== 'waiting' || state.only?.has(node.name) === false || !canForesee(node)) continue;
      if (!node.needs.every((need) => found.has(need.node) || isSettledOrUnderWay(state.nodes.get(need.node)))) continue;
      found.set(node.name, node);
      open.push(node.name);
    }
  }
  return [...found.values()];
};

const isSettledOrUnderWay = (node: NodeState | undefined): boolean =>
  node?.phase === 'finished' || (node?.kind === 'stage' && (node.phase === 'running' || node.phase === 'queued'));

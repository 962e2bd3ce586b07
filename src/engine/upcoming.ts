import type { RunState } from '../run/run-state.ts';
import type { IndexedPlan } from './decide.ts';
import type { Stage } from '../plan/plan.ts';

/**
 * Stages that will be ready as soon as this one has passed or others that run now have: those worth making ready while it runs. Each
 * of their needs is either finished or under way.
 */
export const upcoming = (indexed: IndexedPlan, state: RunState, running: string): readonly Stage[] =>
  (indexed.dependants.get(running) ?? []).filter((node): node is Stage => {
    const own = state.nodes.get(node.name);
    if (node.kind !== 'stage' || own?.phase !== 'waiting' || state.only?.has(node.name) === false) return false;
    return node.needs.every((need) => {
      const needed = state.nodes.get(need.node);
      return needed?.phase === 'finished' || (needed?.kind === 'stage' && needed.phase === 'running');
    });
  });

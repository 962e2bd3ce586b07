import { ancestorsOf, dependantsOf } from '../../plan/graph.ts';
import type { Plan } from '../../plan/plan.ts';

/**
 * What of a plan a run may be about whose text nobody has looked at: no stage that deploys, nothing that needs one, and no gate that only they wait
 * for (atk-13). `undefined`: all.
 */
export const trustedNodes = (plan: Plan, only: readonly string[] | undefined): readonly string[] | undefined => {
  const chosen = plan.nodes.filter(({ name }) => only?.includes(name) ?? true);
  const ancestors = ancestorsOf(plan);
  const deploying = new Set(chosen.flatMap((node) => (node.kind === 'stage' && node.deploys !== undefined ? [node.name] : [])));
  if (deploying.size === 0) return only;
  const left = chosen.filter(({ name }) => !deploying.has(name) && ![...ancestors(name)].some((other) => deploying.has(other)));
  const dependants = dependantsOf(chosen);
  const stages = new Set(left.flatMap(({ kind, name }) => (kind === 'stage' ? [name] : [])));
  const isNeeded = (name: string): boolean => left.some((node) => stages.has(node.name) && ancestors(node.name).has(name));
  const isWanted = ({ kind, name }: (typeof left)[number]): boolean =>
    kind === 'stage' || (dependants.get(name) ?? []).length === 0 || isNeeded(name);
  return left.filter(isWanted).map(({ name }) => name);
};

import type { Plan, PlanNode } from './plan.ts';

/** For each node the names of all nodes it needs, directly or through others; computed on demand, each once. The plan has no cycle. */
export const ancestorsOf = (plan: Plan): ((name: string) => ReadonlySet<string>) => {
  const nodes = new Map(plan.nodes.map((node) => [node.name, node]));
  const known = new Map<string, ReadonlySet<string>>();
  return (name) => {
    const cached = known.get(name);
    if (cached !== undefined) return cached;
    const found = new Set<string>();
    const open = [name];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const need of nodes.get(next)?.needs ?? []) {
        if (found.has(need.node)) continue;
        found.add(need.node);
        open.push(need.node);
      }
    }
    known.set(name, found);
    return found;
  };
};

/** For each node the nodes that need it directly, in the plan's order. */
export const dependantsOf = (nodes: readonly PlanNode[]): ReadonlyMap<string, readonly PlanNode[]> => {
  const dependants = new Map<string, PlanNode[]>(nodes.map((node) => [node.name, []]));
  for (const node of nodes) {
    for (const name of new Set(node.needs.map((need) => need.node))) dependants.get(name)?.push(node);
  }
  return dependants;
};

/** The targets and all that they need, in the plan's order (R-DCK-85). */
export const selectionOf = (plan: Plan, targets: readonly string[]): readonly string[] => {
  const ancestors = ancestorsOf(plan);
  const selected = new Set(targets.flatMap((target) => [target, ...ancestors(target)]));
  return plan.nodes.map((node) => node.name).filter((name) => selected.has(name));
};

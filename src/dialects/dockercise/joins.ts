import type { Need, Plan, PlanNode } from '../../plan/plan.ts';

/** The plan with the needs of each join in place of the join, and what the names of the joins now stand for. It has no cycle. */
export const withoutJoins = (
  plan: Plan,
  joins: ReadonlySet<string>,
): { readonly plan: Plan; readonly names: ReadonlyMap<string, readonly string[]> } => {
  const nodes = new Map(plan.nodes.map((node) => [node.name, node]));
  const done = new Map<string, readonly Need[]>();
  const expanded = (needs: readonly Need[]): readonly Need[] => unique(needs.flatMap((need) => inPlaceOf(need, done.get(need.node))));
  const open = [...joins];
  for (let name = open.at(-1); name !== undefined; name = open.at(-1)) {
    const needs = nodes.get(name)?.needs ?? [];
    const first = needs.filter((need) => joins.has(need.node) && !done.has(need.node));
    if (first.length > 0 && !done.has(name)) {
      open.push(...first.map((need) => need.node));
      continue;
    }
    open.pop();
    if (!done.has(name)) done.set(name, expanded(needs));
  }
  const kept = plan.nodes.filter((node) => !joins.has(node.name)).map((node): PlanNode => ({ ...node, needs: expanded(node.needs) }));
  return {
    plan: { ...plan, nodes: kept },
    names: new Map([...done].map(([name, needs]) => [name, needs.map((need) => need.node)])),
  };
};

const inPlaceOf = (need: Need, join: readonly Need[] | undefined): readonly Need[] => {
  if (join === undefined) return [need];
  return need.on === 'finished' ? join.map(({ node }) => ({ node, on: 'finished' })) : join;
};

const unique = (needs: readonly Need[]): readonly Need[] => [...new Map(needs.map((need) => [`${need.on} ${need.node}`, need])).values()];

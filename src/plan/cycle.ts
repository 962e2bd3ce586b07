import type { PlanNode } from './plan.ts';

type Node = Pick<PlanNode, 'name' | 'needs'>;

/** The names along one cycle, in the order "a needs b needs …", beginning with the one that stands first in the text; or undefined. */
export const cycleIn = (nodes: readonly Node[]): readonly string[] | undefined => {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const done = new Set<string>();
  for (const root of nodes) {
    const found = cycleFrom(root.name, byName, done);
    if (found !== undefined) return startingWithFirst(found, nodes);
  }
  return undefined;
};

/** Depth first with a stack of our own: a chain of 100,000 stages must not overflow. */
const cycleFrom = (root: string, nodes: ReadonlyMap<string, Node>, done: Set<string>): readonly string[] | undefined => {
  const path: { readonly name: string; next: number }[] = [];
  const onPath = new Set<string>();
  const enter = (name: string): void => {
    path.push({ name, next: 0 });
    onPath.add(name);
  };
  if (!done.has(root)) enter(root);
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const need = nodes.get(top.name)?.needs[top.next++];
    if (need === undefined) {
      path.pop();
      onPath.delete(top.name);
      done.add(top.name);
    } else if (onPath.has(need.node)) {
      const names = path.map((entry) => entry.name);
      return names.slice(names.indexOf(need.node));
    } else if (!done.has(need.node)) {
      enter(need.node);
    }
  }
  return undefined;
};

const startingWithFirst = (cycle: readonly string[], nodes: readonly Node[]): readonly string[] => {
  const first = nodes.findIndex((node) => cycle.includes(node.name));
  const at = cycle.indexOf(nodes[first]?.name ?? '');
  return [...cycle.slice(at), ...cycle.slice(0, at)];
};

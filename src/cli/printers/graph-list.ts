import type { PlanNode } from '../../plan/plan.ts';
import { nodeText } from './graph-node.ts';
import type { Look } from './look.ts';
import { type Cell, table } from './table.ts';
import { visible } from './visible.ts';
import { list } from './words.ts';

/** The plan as a list: what begins at once on the left, everything else indented by how many stages go before it, with its needs. */
export const graphList = (nodes: readonly PlanNode[], look: Look): string[] => {
  const depth = depths(nodes);
  const inOrder = nodes.toSorted((one, two) => (depth.get(one.name) ?? 0) - (depth.get(two.name) ?? 0));
  const rows = inOrder.map((node): Cell[] => {
    const { name, image, remarks } = nodeText(node, look);
    const needs = [...new Set(node.needs.map((need) => visible(need.node)))];
    const words = [...(needs.length === 0 ? [] : [`after ${list(needs)}`]), ...remarks].join('; ');
    return [
      `${'  '.repeat(Math.min(deepestIndent, depth.get(node.name) ?? 0))}${name}`,
      { text: image ?? '', paint: look.palette.quiet },
      { text: words, paint: look.palette.quiet },
    ];
  });
  return table([{ title: 'Stage' }, { title: 'Image', min: 20, wide: 'cut-start' }, { title: 'When' }], rows, look);
};

const deepestIndent = 16;

const depths = (nodes: readonly PlanNode[]): ReadonlyMap<string, number> => {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const known = new Map<string, number>();
  const open = nodes.map(({ name }) => name);
  for (let name = open.at(-1); name !== undefined; name = open.at(-1)) {
    const needs = (byName.get(name)?.needs ?? []).map((need) => need.node).filter((need) => byName.has(need));
    const unknown = known.has(name) ? [] : needs.filter((need) => !known.has(need));
    if (unknown.length > 0) {
      open.push(...unknown);
      continue;
    }
    open.pop();
    known.set(
      name,
      needs.reduce((deepest, need) => Math.max(deepest, (known.get(need) ?? 0) + 1), 0),
    );
  }
  return known;
};

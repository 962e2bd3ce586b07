import type { Plan, PlanNode } from '../../plan/plan.ts';
import { cut, cutPath, widest, width } from './fit.ts';
import { graphList } from './graph-list.ts';
import { type Box, layered } from './graph-layers.ts';
import { nodeText } from './graph-node.ts';
import { routed } from './graph-routes.ts';
import { lineCanvas } from './line-canvas.ts';
import type { Look } from './look.ts';

/**
 * The plan as a picture from left to right: names with their images, lines for needs. Where lines cross without joining, the one going
 * down is unbroken. A plan that is too wide or too tangled comes as a list with the needs in words. Same plan, same lines.
 */
export const graph = (plan: Plan, look: Look): string[] => {
  if (plan.nodes.length > mostNodes) return graphList(plan.nodes, look);
  const parts = components(plan.nodes);
  for (const remarkColumns of [Number.POSITIVE_INFINITY, 24, 14, 10]) {
    const pictures = parts.map((nodes) => picture(nodes, remarkColumns, look));
    if (pictures.every((lines) => lines !== undefined)) return pictures.flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]));
  }
  return graphList(plan.nodes, look);
};

/** More is not read as a picture. */
const mostNodes = 60;

const components = (nodes: readonly PlanNode[]): readonly (readonly PlanNode[])[] => {
  const parts: PlanNode[][] = [];
  for (const node of nodes) {
    const names = new Set(node.needs.map((need) => need.node));
    const touching = parts.filter((part) =>
      part.some((other) => names.has(other.name) || other.needs.some((need) => need.node === node.name)),
    );
    const [first, ...others] = touching;
    if (first === undefined) parts.push([node]);
    else first.push(...others.flatMap((part) => parts.splice(parts.indexOf(part), 1).flat()), node);
  }
  const place = new Map(nodes.map((node, index) => [node, index]));
  return parts.map((part) => part.sort((one, two) => (place.get(one) ?? 0) - (place.get(two) ?? 0)));
};

const picture = (nodes: readonly PlanNode[], remarkColumns: number, look: Look): string[] | undefined => {
  const indexOf = new Map(nodes.map((node, index) => [node.name, index]));
  const layout = layered(nodes.map((node) => node.needs.flatMap((need) => indexOf.get(need.node) ?? [])));
  const texts = nodes.map((node) => shortened(node, remarkColumns, look));
  const linesOf = (box: Box): readonly string[] => (box.node === undefined ? [] : (texts[box.node] ?? []));
  const routes = routed(layout, (box) => Math.max(1, linesOf(box).length));
  if (routes === undefined) return undefined;

  const columnsOf = layout.layers.map((layer) => Math.max(1, ...layer.map((box) => widest(linesOf(box)))));
  const starts: number[] = [];
  let end = 0;
  for (const [layer, columns] of columnsOf.entries()) {
    starts.push(end);
    end += columns + channelColumns(routes.channels[layer]?.tracks ?? 0);
  }
  const total = (starts.at(-1) ?? 0) + (columnsOf.at(-1) ?? 0);
  if (total > look.columns) return undefined;

  const canvas = lineCanvas(look.glyphs, look.palette.quiet);
  const row = (box: Box): number => routes.rowOf.get(box) ?? 0;
  const start = (box: Box): number => starts[box.layer] ?? 0;
  for (const box of layout.layers.flat()) {
    for (const [index, line] of linesOf(box).entries()) {
      canvas.text(row(box) + index, start(box), line, index === 0 ? look.palette.strong : look.palette.quiet);
    }
  }
  for (const [layer, { routes: channel }] of routes.channels.entries()) {
    const edge = (starts[layer] ?? 0) + (columnsOf[layer] ?? 0);
    for (const { net, leaves, enters, track } of channel) {
      const column = edge + 2 + 2 * track;
      const rows = [...leaves, ...enters.map((entry) => entry.row)];
      canvas.down(column, Math.min(...rows), Math.max(...rows), net);
      for (const [index, box] of net.from.entries()) {
        const name = linesOf(box)[0];
        canvas.across(leaves[index] ?? 0, name === undefined ? start(box) : start(box) + width(name) + 1, column, net);
      }
      for (const { box, row: at } of enters) {
        const isLane = box.node === undefined;
        canvas.across(at, column, start(box) - (isLane ? 0 : 2), net);
        if (!isLane) canvas.text(at, start(box) - 2, look.glyphs.arrow, look.palette.quiet);
        else if (at > row(box)) canvas.down(start(box), row(box), at, net);
      }
    }
  }
  return canvas.lines();
};

/** A space, a stroke, the tracks with a stroke behind each, the arrow and a space. */
const channelColumns = (tracks: number): number => 5 + Math.max(0, 2 * tracks - 1);

const shortened = (node: PlanNode, remarkColumns: number, look: Look): string[] => {
  const { name, image, remarks } = nodeText(node, look);
  const columns = Math.max(width(name), remarkColumns);
  return [
    name,
    ...(image === undefined ? [] : [cutPath(image, columns, look.glyphs.ellipsis)]),
    ...remarks.map((remark) => cut(remark, columns, look.glyphs.ellipsis)),
  ];
};

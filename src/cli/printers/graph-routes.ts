import type { Box, Layers, Net } from './graph-layers.ts';

/** A net with its places: rows where it leaves and enters boxes, and the track on which it goes up and down between them. */
export type Route = { readonly net: Net; readonly leaves: readonly number[]; readonly enters: readonly Entry[]; readonly track: number };
export type Entry = { readonly box: Box; readonly row: number };

export type Routes = {
  readonly rowOf: ReadonlyMap<Box, number>;
  readonly heightOf: ReadonlyMap<Box, number>;
  /** Between a layer and the next; tracks count from 0. */
  readonly channels: readonly { readonly routes: readonly Route[]; readonly tracks: number }[];
};

/**
 * Rows and tracks such that no two nets share a stretch, unless they lead to the same box and nowhere else from there. `undefined`
 * where there is none: the graph is too tangled for a picture.
 */
export const routed = (graph: Layers, linesOf: (box: Box) => number): Routes | undefined =>
  routedBy(graph, linesOf, true) ?? routedBy(graph, linesOf, false);

const routedBy = (graph: Layers, linesOf: (box: Box) => number, merges: boolean): Routes | undefined => {
  const pins = graph.nets.map((nets) => entryPins(nets, merges));
  const pinsOf = (box: Box): number =>
    1 + Math.max(0, ...(pins[box.layer - 1] ?? []).filter((pin) => pin.box === box).map((pin) => pin.place));
  const heightOf = new Map(graph.layers.flat().map((box) => [box, Math.max(linesOf(box), pinsOf(box))]));
  const rowOf = rows(graph, heightOf);
  const row = (box: Box): number => rowOf.get(box) ?? 0;
  const channels = [];
  for (const [layer, nets] of graph.nets.entries()) {
    const plain = nets.map((net) => ({
      net,
      leaves: net.from.map(row),
      enters: net.to.map((box) => ({ box, row: row(box) + (pins[layer]?.find((pin) => pin.net === net && pin.box === box)?.place ?? 0) })),
    }));
    const routes = withTracks(plain);
    if (routes === undefined) return undefined;
    channels.push({ routes, tracks: 1 + Math.max(-1, ...routes.filter(turns).map(({ track }) => track)) });
  }
  return { rowOf, heightOf, channels };
};

type Pin = { readonly net: Net; readonly box: Box; readonly place: number };

/** Nets that lead elsewhere too come in at rows of their own; the one that leads only here may join the first of them. */
const entryPins = (nets: readonly Net[], merges: boolean): Pin[] => {
  const boxes = new Set(nets.flatMap(({ to }) => to));
  return [...boxes].flatMap((box) => {
    const entering = nets.filter(({ to }) => to.includes(box));
    const forked = entering.filter(({ to }) => to.length > 1);
    const direct = entering.filter(({ to }) => to.length === 1);
    const placeOfDirect = merges ? 0 : forked.length;
    return [...forked.map((net, place) => ({ net, box, place })), ...direct.map((net) => ({ net, box, place: placeOfDirect }))];
  });
};

/** Each box as high as it may be and no higher than the first it comes from; what comes from nowhere stands beside what needs it. */
const rows = ({ layers, nets }: Layers, heightOf: ReadonlyMap<Box, number>): Map<Box, number> => {
  const rowOf = new Map<Box, number>();
  const height = (box: Box): number => heightOf.get(box) ?? 1;
  const gap = (upper: Box | undefined, lower: Box): number =>
    upper === undefined || (upper.node === undefined && lower.node === undefined) ? 0 : 1;
  const firstRow = (boxes: readonly Box[]): number => Math.min(...boxes.map((box) => rowOf.get(box) ?? 0));
  for (const [index, layer] of layers.entries()) {
    let above: Box | undefined;
    for (const box of layer) {
      const sources = (nets[index - 1] ?? []).filter(({ to }) => to.includes(box)).flatMap(({ from }) => from);
      const free = above === undefined ? 0 : (rowOf.get(above) ?? 0) + height(above) + gap(above, box);
      rowOf.set(box, Math.max(free, sources.length === 0 ? 0 : firstRow(sources)));
      above = box;
    }
  }
  for (const [index, layer] of layers.toReversed().entries()) {
    const channel = layers.length - 1 - index;
    let below: Box | undefined;
    for (const box of layer.toReversed()) {
      const isSource = !(nets[channel - 1] ?? []).some(({ to }) => to.includes(box));
      const targets = (nets[channel] ?? []).filter(({ from }) => from.includes(box)).flatMap(({ to }) => to);
      const lowest = below === undefined ? Number.POSITIVE_INFINITY : (rowOf.get(below) ?? 0) - gap(box, below) - height(box);
      if (isSource && targets.length > 0) rowOf.set(box, Math.max(rowOf.get(box) ?? 0, Math.min(lowest, firstRow(targets))));
      below = box;
    }
  }
  return rowOf;
};

type Untracked = Omit<Route, 'track'>;

const turns = (route: Untracked): boolean => new Set(rowsOf(route)).size > 1;
const rowsOf = ({ leaves, enters }: Untracked): number[] => [...leaves, ...enters.map(({ row }) => row)];

/** Whether `one` must go up and down left of `two`. */
const isLeftOf = (one: Untracked, two: Untracked): boolean =>
  one !== two &&
  (two.enters.some(({ row }) => one.leaves.includes(row)) ||
    (one.enters.length > 1 && two.enters.length === 1 && one.enters.some(({ row }) => row === two.enters[0]?.row)));

const withTracks = (routes: readonly Untracked[]): Route[] | undefined => {
  const done: Route[] = [];
  const open = routes.toSorted((one, two) => Math.min(...rowsOf(one)) - Math.min(...rowsOf(two)));
  while (open.length > 0) {
    const index = open.findIndex((route) => !open.some((other) => isLeftOf(other, route)));
    const [route] = index === -1 ? [] : open.splice(index, 1);
    if (route === undefined) return undefined;
    let track = Math.max(0, ...done.filter((other) => isLeftOf(other, route)).map((other) => other.track + (turns(other) ? 1 : 0)));
    while (turns(route) && done.some((other) => other.track === track && turns(other) && overlap(other, route))) track++;
    done.push({ ...route, track });
  }
  return done;
};

const overlap = (one: Untracked, two: Untracked): boolean =>
  Math.min(...rowsOf(one)) <= Math.max(...rowsOf(two)) && Math.min(...rowsOf(two)) <= Math.max(...rowsOf(one));

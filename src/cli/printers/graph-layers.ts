/** A thing with a place: a node, or the lane on which an edge passes a layer. */
export type Box = {
  readonly layer: number;
  /** Index of the node; absent for a lane. */
  readonly node?: number;
};

/** Edges that are drawn as one: each of `from` leads to each of `to`, in the next layer. */
export type Net = { readonly from: readonly Box[]; readonly to: readonly Box[] };

export type Layers = {
  /** From top to bottom. */
  readonly layers: readonly (readonly Box[])[];
  /** Between a layer and the next. */
  readonly nets: readonly (readonly Net[])[];
};

/** Sugiyama's method: each node right of all that it needs, long edges on lanes, the order in a layer such that few edges cross. */
export const layered = (needs: readonly (readonly number[])[]): Layers => {
  const { boxes, edges } = withLanes(needs, depths(needs));
  const count = Math.max(...boxes.map(({ layer }) => layer)) + 1;
  const first = Array.from({ length: count }, (_, layer) => boxes.filter((box) => box.layer === layer));
  const nets = first.slice(0, -1).map((layer) => netsOf(layer, edges));
  return { layers: fewestCrossings(first, nets), nets };
};

type Edges = ReadonlyMap<Box, ReadonlySet<Box>>;

const depths = (needs: readonly (readonly number[])[]): readonly number[] => {
  const known: number[] = [];
  const depth = (node: number): number => (known[node] ??= 1 + Math.max(-1, ...(needs[node] ?? []).map(depth)));
  return needs.map((_, node) => depth(node));
};

/** Edges over several layers share lanes with others to the same target or from the same source, where there are more. */
const withLanes = (
  needs: readonly (readonly number[])[],
  depth: readonly number[],
): { readonly boxes: readonly Box[]; readonly edges: Edges } => {
  const nodes: readonly Box[] = depth.map((layer, node) => ({ layer, node }));
  const lanes = new Map<string, Box>();
  const edges = new Map<Box, Set<Box>>();
  const connect = (from: Box, to: Box): void => void edges.set(from, (edges.get(from) ?? new Set()).add(to));
  const laneAt = (key: string, layer: number): Box => {
    const lane = lanes.get(`${key} ${layer}`) ?? { layer };
    lanes.set(`${key} ${layer}`, lane);
    return lane;
  };
  const all = nodes.flatMap((to, node) =>
    [...new Set(needs[node])].flatMap((need) => (nodes[need] === undefined ? [] : [{ from: nodes[need], to }])),
  );
  const long = all.filter(({ from, to }) => to.layer - from.layer > 1);
  for (const { from, to } of all) {
    const toSame = long.filter((edge) => edge.to === to).length;
    const fromSame = long.filter((edge) => edge.from === from).length;
    const key = toSame >= fromSame ? `to ${to.node}` : `from ${from.node}`;
    let last = from;
    for (let layer = from.layer + 1; layer < to.layer; layer++) {
      const lane = laneAt(key, layer);
      connect(last, lane);
      last = lane;
    }
    connect(last, to);
  }
  return { boxes: [...nodes, ...lanes.values()], edges };
};

const netsOf = (layer: readonly Box[], edges: Edges): Net[] => {
  const nets: { from: Box[]; to: readonly Box[] }[] = [];
  for (const box of layer) {
    const to = edges.get(box);
    if (to === undefined) continue;
    const same = nets.find((net) => net.to.length === to.size && net.to.every((target) => to.has(target)));
    if (same === undefined) nets.push({ from: [box], to: [...to] });
    else same.from.push(box);
  }
  return nets;
};

const sweeps = 8;

const fewestCrossings = (first: readonly (readonly Box[])[], nets: readonly (readonly Net[])[]): readonly (readonly Box[])[] => {
  let best = first;
  let fewest = crossings(first, nets);
  let order = first.map((layer) => [...layer]);
  for (let sweep = 0; sweep < sweeps && fewest > 0; sweep++) {
    order = sweep % 2 === 0 ? rightward(order, nets) : leftward(order, nets);
    const count = crossings(order, nets);
    if (count < fewest) {
      best = order.map((layer) => [...layer]);
      fewest = count;
    }
  }
  return best;
};

const rightward = (order: readonly Box[][], nets: readonly (readonly Net[])[]): Box[][] => {
  const next: Box[][] = [];
  for (const [layer, boxes] of order.entries()) {
    const before = next[layer - 1];
    next.push(before === undefined ? boxes : sortedBy(boxes, before, nets[layer - 1] ?? [], 'to', 'from'));
  }
  return next;
};

const leftward = (order: readonly Box[][], nets: readonly (readonly Net[])[]): Box[][] => {
  const next = [...order];
  for (let layer = order.length - 2; layer >= 0; layer--) {
    next[layer] = sortedBy(next[layer] ?? [], next[layer + 1] ?? [], nets[layer] ?? [], 'from', 'to');
  }
  return next;
};

/** By the mean place of the neighbours; who has none keeps its place. */
const sortedBy = (boxes: readonly Box[], fixed: readonly Box[], nets: readonly Net[], side: 'from' | 'to', other: 'from' | 'to'): Box[] => {
  const mean = (box: Box, index: number): number => {
    const places = nets.filter((net) => net[side].includes(box)).flatMap((net) => net[other].map((neighbour) => fixed.indexOf(neighbour)));
    return places.length === 0 ? index : places.reduce((sum, place) => sum + place, 0) / places.length;
  };
  return boxes
    .map((box, index) => ({ box, place: mean(box, index) }))
    .sort((one, two) => one.place - two.place)
    .map(({ box }) => box);
};

const crossings = (order: readonly (readonly Box[])[], nets: readonly (readonly Net[])[]): number => {
  let count = 0;
  for (const [layer, channel] of nets.entries()) {
    const left = order[layer] ?? [];
    const right = order[layer + 1] ?? [];
    const edges = channel.flatMap((net) =>
      net.from.flatMap((from) => net.to.map((to) => ({ net, from: left.indexOf(from), to: right.indexOf(to) }))),
    );
    for (const [index, one] of edges.entries()) {
      for (const two of edges.slice(index + 1)) if (one.net !== two.net && (one.from - two.from) * (one.to - two.to) < 0) count++;
    }
  }
  return count;
};

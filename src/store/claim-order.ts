import type { QueueClaim } from './queue.ts';
import type { NewQueueItem } from './run-store.ts';

/** What waits. `place`: the order in which it came. */
export type Waiting = Claimable & { readonly id: string; readonly place: number };

type Claimable = Pick<NewQueueItem, 'project' | 'pipeline' | 'priority' | 'labels' | 'group' | 'worker'>;

/** What is claimed already. */
export type Held = Pick<NewQueueItem, 'project' | 'pipeline' | 'group'>;

/** `request`: the index of the claim that gets it. */
export type Choice = { readonly id: string; readonly request: number };

/**
 * Who gets what (R-CIO-05): the larger priority goes first, then whose pipeline has fewer items claimed, then who came first; an item whose group is
 * full or that no free worker may have is passed over. Of the workers that may have it, the one with the most slots left gets it.
 */
export const chooseItems = (waiting: readonly Waiting[], held: readonly Held[], requests: readonly QueueClaim[]): readonly Choice[] => {
  const claimed = tally(held.map(pipelineOf));
  const grouped = tally(held.flatMap(({ group }) => (group === undefined ? [] : [group.name])));
  /** Items of one group that say different limits are held to the smallest: nobody goes before others because a limit was raised after them (atk-77). */
  const limits = new Map<string, number>();
  for (const { group } of waiting)
    if (group !== undefined) limits.set(group.name, Math.min(group.limit, limits.get(group.name) ?? group.limit));
  const free = requests.map(({ slots }) => slots);
  let lines = linesOf(waiting);

  const workerFor = ({ group, worker, labels }: Waiting): number | undefined => {
    if (group !== undefined && (grouped.get(group.name) ?? 0) >= (limits.get(group.name) ?? group.limit)) return undefined;
    let best: number | undefined;
    for (const [index, request] of requests.entries()) {
      if (worker !== undefined && worker !== request.worker) continue;
      if (!labels.every((label) => request.labels.includes(label))) continue;
      if ((free[index] ?? 0) > (best === undefined ? 0 : (free[best] ?? 0))) best = index;
    }
    return best;
  };

  const choices: Choice[] = [];
  for (;;) {
    lines = lines.filter(([head]) => head !== undefined && workerFor(head) !== undefined);
    const line = lines.reduce<Waiting[] | undefined>(
      (best, one) => (best === undefined || goesBefore(one, best, claimed) ? one : best),
      undefined,
    );
    const item = line?.shift();
    const request = item && workerFor(item);
    if (item === undefined || request === undefined) return choices;
    choices.push({ id: item.id, request });
    free[request] = (free[request] ?? 0) - 1;
    claimed.set(pipelineOf(item), (claimed.get(pipelineOf(item)) ?? 0) + 1);
    if (item.group !== undefined) grouped.set(item.group.name, (grouped.get(item.group.name) ?? 0) + 1);
  }
};

/** The ids in the order in which items will go, if nothing else comes and every one finds its worker. */
export const inTurn = (waiting: readonly Waiting[], held: readonly Held[]): readonly string[] => {
  const before = tally(held.map(pipelineOf));
  const turns = waiting
    .toSorted((one, other) => other.priority - one.priority || one.place - other.place)
    .map((item) => {
      const turn = before.get(pipelineOf(item)) ?? 0;
      before.set(pipelineOf(item), turn + 1);
      return { item, turn };
    });
  return turns
    .toSorted((one, other) => other.item.priority - one.item.priority || one.turn - other.turn || one.item.place - other.item.place)
    .map(({ item }) => item.id);
};

/** Items of one class may be claimed under the same circumstances: among them, who came first goes first. */
export const classOf = ({ priority, project, pipeline, labels, group, worker }: Claimable): string =>
  JSON.stringify([priority, project, pipeline, labels.toSorted(), group?.name, group?.limit, worker]);

const linesOf = (waiting: readonly Waiting[]): Waiting[][] =>
  [...Map.groupBy(waiting, classOf).values()].map((items) => items.toSorted((one, other) => one.place - other.place));

const goesBefore = ([one]: readonly Waiting[], [other]: readonly Waiting[], claimed: ReadonlyMap<string, number>): boolean => {
  if (one === undefined || other === undefined) return one !== undefined;
  if (one.priority !== other.priority) return one.priority > other.priority;
  const [ours = 0, theirs = 0] = [claimed.get(pipelineOf(one)), claimed.get(pipelineOf(other))];
  return ours === theirs ? one.place < other.place : ours < theirs;
};

const pipelineOf = ({ project, pipeline }: Held): string => JSON.stringify([project, pipeline]);

const tally = (names: readonly string[]): Map<string, number> =>
  names.reduce((counts, name) => counts.set(name, (counts.get(name) ?? 0) + 1), new Map<string, number>());

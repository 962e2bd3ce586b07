import type { Queue, QueueClaim, QueueItem } from '../queue.ts';
import type { NewQueueItem, RunChange } from '../run-store.ts';

export type MemoryQueue = {
  readonly port: Queue;
  /** Whether the guard of a change lets it through. */
  passes(guard: NonNullable<RunChange['guard']>): boolean;
  /** What a change that is being written says of the queue; after `passes`. */
  change(change: Pick<RunChange, 'push' | 'remove' | 'giveBack' | 'guard'>): void;
  forget(run: string): void;
};

export const memoryQueue = (): MemoryQueue => {
  const entries = new Map<string, Entry>();
  let turns = 0;
  let tokens = 0;

  const inTurn = (): Entry[] => {
    const busy = counted([...entries.values()].flatMap(({ item, claim }) => (claim === undefined ? [] : [pipelineOf(item)])));
    return [...entries.values()].sort(
      (a, b) =>
        Number(b.claim !== undefined) - Number(a.claim !== undefined) ||
        b.item.priority - a.item.priority ||
        (busy.get(pipelineOf(a.item)) ?? 0) - (busy.get(pipelineOf(b.item)) ?? 0) ||
        a.turn - b.turn,
    );
  };
  const hasRoom = ({ group }: NewQueueItem): boolean => {
    if (group === undefined) return true;
    const claimed = [...entries.values()].filter((entry) => entry.claim !== undefined && entry.item.group?.name === group.name);
    return claimed.length < group.limit;
  };
  const takeOne = (open: readonly Request[], lease: { readonly now: number; readonly until: number }): Entry | undefined => {
    for (const entry of inTurn()) {
      if (entry.claim !== undefined || !hasRoom(entry.item)) continue;
      const taker = open.filter((request) => request.free > 0 && fits(entry.item, request.claim)).sort((a, b) => b.free - a.free)[0];
      if (taker === undefined) continue;
      taker.free--;
      entry.claim = { worker: taker.claim.worker, token: ++tokens, until: lease.until, at: lease.now };
      entry.sequence = 0;
      return entry;
    }
    return undefined;
  };

  return {
    port: {
      claim: async (requests, lease) => {
        const open = requests.map((claim) => ({ claim, free: claim.slots }));
        const taken: QueueItem[] = [];
        for (let entry = takeOne(open, lease); entry !== undefined; entry = takeOne(open, lease)) taken.push(shown(entry));
        return taken;
      },
      renew: async (held, until) => {
        const renewed = held.flatMap(({ item, token }) => {
          const entry = entries.get(item);
          return entry?.claim?.token === token ? [entry] : [];
        });
        for (const entry of renewed) if (entry.claim !== undefined) entry.claim = { ...entry.claim, until };
        return new Set(renewed.map(({ item }) => item.id));
      },
      reclaim: async (worker, until) => {
        const held = [...entries.values()].filter(({ claim }) => claim?.worker === worker);
        for (const entry of held) {
          if (entry.claim !== undefined) entry.claim = { ...entry.claim, token: ++tokens, until };
          entry.sequence = 0;
        }
        return held.map(shown);
      },
      lapsed: async (before) => [...entries.values()].filter(({ claim }) => claim !== undefined && claim.until < before).map(shown),
      list: async () => inTurn().map(shown),
    },
    passes: ({ item, token, sequence }) => {
      const entry = entries.get(item);
      return entry?.claim?.token === token && (sequence === undefined || sequence === entry.sequence + 1);
    },
    change: ({ push, remove, giveBack, guard }) => {
      const guarded = guard?.sequence === undefined ? undefined : entries.get(guard.item);
      if (guarded !== undefined && guard?.sequence !== undefined) guarded.sequence = guard.sequence;
      for (const id of remove) entries.delete(id);
      for (const id of giveBack) delete entries.get(id)?.claim;
      for (const item of push) entries.set(item.id, { item, turn: ++turns, sequence: 0 });
    },
    forget: (run) => {
      for (const [id, { item }] of entries) if (item.run === run) entries.delete(id);
    },
  };
};

type Entry = { readonly item: NewQueueItem; readonly turn: number; sequence: number; claim?: NonNullable<QueueItem['claim']> };
type Request = { readonly claim: QueueClaim; free: number };

const shown = ({ item, claim }: Entry): QueueItem => ({ ...item, ...(claim === undefined ? {} : { claim }) });

const fits = (item: NewQueueItem, { worker, labels }: QueueClaim): boolean =>
  (item.worker ?? worker) === worker && item.labels.every((label) => labels.includes(label));

const pipelineOf = ({ project, pipeline }: NewQueueItem): string => JSON.stringify([project, pipeline]);

const counted = (names: readonly string[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
};

import { chooseItems, inTurn } from '../claim-order.ts';
import type { Queue, QueueItem } from '../queue.ts';
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
  let places = 0;
  let tokens = 0;

  const claimed = (): Entry[] => [...entries.values()].filter(({ claim }) => claim !== undefined);
  const waiting = (): (NewQueueItem & { readonly place: number })[] =>
    [...entries.values()].flatMap(({ item, claim, place }) => (claim === undefined ? [{ ...item, place }] : []));
  const held = (): NewQueueItem[] => claimed().map(({ item }) => item);

  return {
    port: {
      claim: async (requests, { now, until }) =>
        chooseItems(waiting(), held(), requests).flatMap(({ id, request }) => {
          const [entry, worker] = [entries.get(id), requests[request]?.worker];
          if (entry === undefined || worker === undefined) return [];
          entry.claim = { worker, token: ++tokens, until, at: now };
          entry.sequence = 0;
          return [shown(entry)];
        }),
      renew: async (held, until) => {
        const renewed = held.flatMap(({ item, token }) => {
          const entry = entries.get(item);
          return entry?.claim?.token === token ? [entry] : [];
        });
        for (const entry of renewed) if (entry.claim !== undefined) entry.claim = { ...entry.claim, until };
        return new Set(renewed.map(({ item }) => item.id));
      },
      reclaim: async (worker, known, until) => {
        const held = [...entries.values()].filter(({ claim, item }) => claim?.worker === worker && !known.includes(item.id));
        for (const entry of held) {
          if (entry.claim !== undefined) entry.claim = { ...entry.claim, token: ++tokens, until };
          entry.sequence = 0;
        }
        return held.map(shown);
      },
      regroup: async (project, { name, limit }) => {
        for (const entry of entries.values()) {
          const { group, ...item } = entry.item;
          if (item.project !== project || (group !== undefined && group.name !== name)) continue;
          entry.item = { ...item, ...(limit === undefined ? {} : { group: { name, limit } }) };
        }
      },
      lapsed: async (before) => [...entries.values()].filter(({ claim }) => claim !== undefined && claim.until < before).map(shown),
      list: async () => [...claimed(), ...inTurn(waiting(), held()).flatMap((id) => entries.get(id) ?? [])].map(shown),
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
      for (const item of push) entries.set(item.id, { item, place: ++places, sequence: 0 });
    },
    forget: (run) => {
      for (const [id, { item }] of entries) if (item.run === run) entries.delete(id);
    },
  };
};

type Entry = { item: NewQueueItem; readonly place: number; sequence: number; claim?: NonNullable<QueueItem['claim']> };

const shown = ({ item, claim }: Entry): QueueItem => ({ ...item, ...(claim === undefined ? {} : { claim }) });

import { randomUUID } from 'node:crypto';
import type { Engine } from './engine/engine.ts';
import { isRefusal, unlessGone } from './failures.ts';
import { label, labelFilter } from './labels.ts';
import { createNetwork } from './networks.ts';

/**
 * The one network of all stages without services: its containers cannot reach each other. It outlives runs, as making and removing one
 * takes as long as a stage, and engines have addresses for some thirty only; `cion clean` removes it when nobody uses it.
 */
export const makeStageNetwork = (engine: Engine, namespace: string) => {
  const labels = { [label.namespace]: namespace, [label.role]: 'stages' };
  let found: Promise<string> | undefined;

  const oldest = async (): Promise<string | undefined> => {
    const networks = await engine.json<readonly Network[]>('GET', '/networks', { query: { filters: labelFilter(labels) } });
    return networks.toSorted((a, b) => (a.Created < b.Created || (a.Created === b.Created && a.Id < b.Id) ? -1 : 1))[0]?.Id;
  };

  const find = async (): Promise<string> => {
    const known = await oldest();
    if (known !== undefined) return known;
    // Two of one name could not be used at all: engines connect containers by the name, and find it ambiguous.
    const name = await createNetwork(engine, `${namespace}-stages-${randomUUID().slice(0, 8)}`, labels, true);
    return (await oldest()) ?? name;
  };

  const forget = (): void => {
    found = undefined;
  };

  return {
    /** Its id: two processes that made one at the same time agree on the older. */
    ensure: (): Promise<string> => {
      found ??= find().catch((error: unknown) => {
        forget();
        throw error;
      });
      return found;
    },
    /** It was removed by somebody else. */
    forget,
    /** How many were removed; none while somebody uses them. */
    removeUnused: async (signal: AbortSignal): Promise<number> => {
      forget();
      const networks = await engine.json<readonly Network[]>('GET', '/networks', { query: { filters: labelFilter(labels) }, signal });
      const removed = await Promise.all(networks.map(({ Id }) => isRemoved(engine, Id, signal)));
      return removed.filter(Boolean).length;
    },
  };
};

export type StageNetwork = ReturnType<typeof makeStageNetwork>;

const isRemoved = async (engine: Engine, id: string, signal: AbortSignal): Promise<boolean> => {
  try {
    return (await unlessGone(engine.json('DELETE', `/networks/${id}`, { signal }).then(() => true))) ?? false;
  } catch (error) {
    if (isRefusal(error, 403) || isRefusal(error, 409)) return false;
    throw error;
  }
};

type Network = { readonly Id: string; readonly Created: string };

import type { Readable } from 'node:stream';
import type { Plan, Volume } from '../plan/plan.ts';
import { buildVolumesOf } from '../plan/stage.ts';
import type { Item, Runtime } from '../runtimes/runtime.ts';
import type { CacheStore } from './cache-store.ts';
import type { Recorder } from './recorder.ts';
import type { TreeStore } from './tree-store.ts';

/** What volumes are filled from. */
export type Fillings = { source(): Readable; readonly caches: CacheStore; readonly trees: TreeStore };

/** Fills the volumes that an item mounts or is built from, each once per run, and records it before anything may write into them. */
export const makeFiller = (plan: Plan, runtime: Runtime, fillings: Fillings, recorder: Recorder): ((item: Item) => Promise<void>) => {
  const filled = new Map(plan.volumes.filter(({ from }) => from !== 'empty').map((volume) => [volume.name, volume.from]));
  const filling = new Map<string, Promise<void>>();

  const content = async (from: Volume['from']): Promise<Readable | undefined> => {
    if (from === 'empty') return undefined;
    if (from === 'source') return fillings.source();
    return 'cache' in from ? fillings.caches.open(from.cache) : fillings.trees.open(from.tree);
  };

  const fillOne = async (run: string, volume: string, from: Volume['from']): Promise<void> => {
    const tar = await content(from);
    if (tar !== undefined) await runtime.write({ run, volume }, tar, new AbortController().signal);
    await recorder.report([{ kind: 'volume.filled', volume }]);
  };

  return async (item) => {
    const mounted = item.stage.mounts.flatMap((mount) => (mount.kind === 'volume' ? [mount.volume] : []));
    const volumes = new Set([...mounted, ...buildVolumesOf(item.stage)]);
    await Promise.all(
      [...volumes].map(async (volume) => {
        const from = filled.get(volume);
        if (from === undefined || recorder.state().filledVolumes.has(volume)) return;
        const known = filling.get(volume);
        const done = known ?? fillOne(item.run, volume, from).finally(() => filling.delete(volume));
        filling.set(volume, done);
        await done;
      }),
    );
  };
};

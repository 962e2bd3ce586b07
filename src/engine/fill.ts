import type { Readable } from 'node:stream';
import type { Plan } from '../plan/plan.ts';
import { buildVolumesOf } from '../plan/stage.ts';
import type { Item, Runtime } from '../runtimes/runtime.ts';
import type { Recorder } from './recorder.ts';

/** Fills the source volumes that an item mounts or is built from, each once per run, and records it before anything may write into them. */
export const makeFiller = (plan: Plan, runtime: Runtime, source: () => Readable, recorder: Recorder): ((item: Item) => Promise<void>) => {
  const fromSource = new Set(plan.volumes.filter((volume) => volume.from === 'source').map((volume) => volume.name));
  const filling = new Map<string, Promise<void>>();

  const fillOne = async (run: string, volume: string): Promise<void> => {
    await runtime.write({ run, volume }, source(), new AbortController().signal);
    await recorder.report([{ kind: 'volume.filled', volume }]);
  };

  return async (item) => {
    const mounted = item.stage.mounts.flatMap((mount) => (mount.kind === 'volume' ? [mount.volume] : []));
    const volumes = new Set([...mounted, ...buildVolumesOf(item.stage)]);
    await Promise.all(
      [...volumes.intersection(fromSource)].map(async (volume) => {
        if (recorder.state().filledVolumes.has(volume)) return;
        const known = filling.get(volume);
        const filled = known ?? fillOne(item.run, volume).finally(() => filling.delete(volume));
        filling.set(volume, filled);
        await filled;
      }),
    );
  };
};

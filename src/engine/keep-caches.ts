import type { Item } from '../runtimes/runtime.ts';
import type { AttemptControl, AttemptDeps, Track } from './attempt-deps.ts';
import { errorCause, type Ending } from './cause.ts';
import { say } from './say.ts';

/** Keeps the stage's caches for later runs, also when it failed. A cache that cannot be kept is said in the log and changes nothing. */
export const keepCaches = async (
  deps: AttemptDeps,
  item: Item,
  control: AttemptControl,
  track: Track,
  { outcome }: Ending,
): Promise<void> => {
  const { execution } = track;
  if (execution === undefined || !(outcome === 'passed' || outcome === 'failed')) return;
  for (const { key, path, limitBytes } of item.stage.caches ?? []) {
    try {
      const tar = await execution.take(path, control.force);
      if (tar === undefined) continue;
      if ((await deps.caches.save(key, tar, limitBytes)) === 'too-large') {
        const why = `its files are larger than ${limitBytes} bytes`;
        await say(deps, item, track, `cion: the cache ${path} was not kept: ${why}. The one before stays.`);
      }
    } catch (error) {
      if (control.force.aborted) return;
      await say(deps, item, track, `cion: the cache ${path} was not kept: ${errorCause(error).message}`);
    }
  }
};

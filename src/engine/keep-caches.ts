import type { Item } from '../runtimes/runtime.ts';
import type { AttemptControl, AttemptDeps, Track } from './attempt-deps.ts';
import { errorCause, type Ending } from './cause.ts';
import { JournalError } from './journal-error.ts';
import { watchedForSecrets } from './redact/files-with-secrets.ts';
import { say } from './say.ts';

/** Keeps the stage's caches for later runs, also when it failed. A cache that cannot be kept is told of, and changes nothing. */
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
      const saved = await deps.deliver(async () => {
        const tar = await execution.take(path, control.force);
        if (tar === undefined) return undefined;
        const watched = watchedForSecrets(tar, deps.secrets());
        try {
          const saved = await deps.caches.save(key, watched.tar, limitBytes);
          if (saved === 'saved' && watched.files().length > 0) {
            await say(deps, item, `a secret is in the cache ${path}: all runs of the project are given it`);
          }
          return saved;
        } catch (error) {
          throw watched.refusal() ?? error;
        }
      });
      if (saved === 'too-large') {
        const why = `its files are larger than ${limitBytes} bytes`;
        await say(deps, item, `the cache ${path} was not kept: ${why}, and the one before stays`);
      }
    } catch (error) {
      if (error instanceof JournalError) throw error;
      if (control.force.aborted) return;
      await say(deps, item, `the cache ${path} was not kept: ${errorCause(error).message}`);
    }
  }
};

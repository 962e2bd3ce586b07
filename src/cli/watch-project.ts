import { watch } from 'node:fs';
import type { Clock } from '../lib/clock.ts';
import { ignoredIn } from '../source/ignored.ts';

export type ProjectWatch = {
  /** Resolves with the paths when files of the project have changed since the last call, and have been quiet for a moment. */
  changed(signal: AbortSignal): Promise<readonly string[]>;
  close(): void;
};

const passedBy: ReadonlySet<string> = new Set(['.git', '.cion', 'node_modules']);

/** How long nothing must change. An editor writes several files, or one several times. */
const quietMs = 200;

/** The files of a project below a directory, without what git ignores. Rejects with the reason when they cannot be watched. */
export const watchProject = (root: string, clock: Clock): ProjectWatch => {
  const paths = new Set<string>();
  let cancel: (() => void) | undefined;
  let quiet = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  const onChange = (_event: string, name: string | null): void => {
    if (name === null || name.split('/').some((part) => passedBy.has(part))) return;
    paths.add(name);
    cancel?.();
    cancel = clock.after(quietMs, quiet.resolve);
  };
  const watcher = watch(root, { recursive: true }, onChange).on('error', failed.reject);

  const changed = async (signal: AbortSignal): Promise<readonly string[]> => {
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => aborted.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      for (;;) {
        signal.throwIfAborted();
        await Promise.race([quiet.promise, failed.promise, aborted.promise]);
        quiet = Promise.withResolvers();
        const seen = [...paths];
        paths.clear();
        const ignored = await ignoredIn(root, seen);
        const wanted = seen.filter((path) => !ignored.has(path)).sort();
        if (wanted.length > 0) return wanted;
      }
    } finally {
      signal.removeEventListener('abort', abort);
    }
  };
  return {
    changed,
    close: () => {
      cancel?.();
      watcher.close();
    },
  };
};

import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Tells that something changed in a directory, which need not be there yet. Usage: look, `await next()`, look again, …: what changes
 * while the caller looks makes `next` return at once, so nothing is missed. Where the system cannot watch (no directory, no more
 * watches, a network file system), `next` returns every `recheckMs`.
 */
export type DirectoryChanges = {
  /** Resolves on a change, on the signal's abort, and after `recheckMs` at the latest. */
  next(): Promise<void>;
  close(): void;
};

export const directoryChanges = (
  directory: string,
  concerns: (file: string) => boolean,
  signal: AbortSignal,
  recheckMs = 1000,
): DirectoryChanges => {
  let watcher: FSWatcher | undefined;
  let watched: string | undefined;
  let changed = false;
  let wake = (): void => {};

  const notice = (): void => {
    changed = true;
    wake();
  };
  const unwatch = (): void => {
    watcher?.close();
    watcher = undefined;
    watched = undefined;
  };
  const tryToWatch = (): void => {
    for (const candidate of upwards(directory)) {
      if (watched === candidate) return;
      try {
        const next = watch(candidate, (_event, file) => {
          if (file === null || candidate !== directory || concerns(file)) notice();
        });
        next.on('error', unwatch);
        unwatch();
        watcher = next;
        watched = candidate;
        return;
      } catch {}
    }
  };

  signal.addEventListener('abort', notice);
  tryToWatch();
  return {
    next: async () => {
      if (!changed && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, recheckMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        wake = () => {};
      }
      changed = false;
      if (watched !== directory) tryToWatch();
    },
    close: () => {
      signal.removeEventListener('abort', notice);
      unwatch();
    },
  };
};

/** The directory and those around it: where it is not there yet, the nearest that is tells of its making. */
function* upwards(directory: string): Iterable<string> {
  for (let candidate = directory; ; candidate = dirname(candidate)) {
    yield candidate;
    if (candidate === dirname(candidate)) return;
  }
}

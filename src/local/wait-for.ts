import { directoryChanges } from '../lib/directory-changes.ts';

/** Where the system cannot watch a directory, it is looked at so often. */
const recheckMs = 30_000;

/** What `look` finds, at once or after a change of a directory. Rejects with the signal's reason when it aborts. */
export const waitFor = async <T>(
  directory: string,
  concerns: (file: string) => boolean,
  look: () => Promise<T | undefined>,
  signal: AbortSignal,
): Promise<T> => {
  const changes = directoryChanges(directory, concerns, signal, recheckMs);
  try {
    for (;;) {
      signal.throwIfAborted();
      const found = await look();
      if (found !== undefined) return found;
      await changes.next();
    }
  } finally {
    changes.close();
  }
};

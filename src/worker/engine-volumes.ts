import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Runtime } from '../runtimes/runtime.ts';

/** Puts the files of a tree into a volume of the engine. */
export type Fetch = (volume: string) => Promise<void>;

/** A volume of the engine. `filled` may be waited for any number of times; it tries again after a failure. */
export type EngineVolume = { readonly name: string; filled(): Promise<void> };

export type SharedVolume = EngineVolume & { release(): void };

/**
 * Which volumes of the engine hold which trees, so that what one stage left or was given is not fetched again for the next. Volumes have names of
 * their own, that no process uses twice. What it knows goes with the process.
 */
export type EngineVolumes = {
  fresh(volume: string): string;
  /** Of that content, and of it alone for as long as it is not released: to be mounted by those who do not write. */
  shared(run: string, digest: string, volume: string, fetch: Fetch): SharedVolume;
  /** That begins with that content, for one who writes: the one that holds it, when nobody else uses it, or another. */
  own(run: string, digest: string, volume: string, fetch: Fetch, signal: AbortSignal): EngineVolume;
  /** From now on nobody writes into it. */
  holds(run: string, digest: string, name: string): void;
  /** It is swept. */
  forget(run: string): void;
};

type Content = { readonly name: string; users: number; isFilled: boolean; filling?: Promise<void> | undefined };

export const makeEngineVolumes = (runtime: Pick<Runtime, 'read' | 'write'>): EngineVolumes => {
  const contents = new Map<string, Map<string, Content>>();

  const ofRun = (run: string): Map<string, Content> => {
    const known = contents.get(run) ?? new Map<string, Content>();
    contents.set(run, known);
    return known;
  };
  const fresh = (volume: string): string => `${volume}.${randomBytes(6).toString('hex')}`;

  const fill = async (content: Content, fetch: Fetch): Promise<void> => {
    while (!content.isFilled) {
      if (content.filling !== undefined) {
        await content.filling.catch(() => {});
        continue;
      }
      content.filling = fetch(content.name);
      try {
        await content.filling;
        content.isFilled = true;
      } finally {
        content.filling = undefined;
      }
    }
  };

  return {
    fresh,
    shared: (run, digest, volume, fetch) => {
      const content = ofRun(run).get(digest) ?? { name: fresh(volume), users: 0, isFilled: false };
      ofRun(run).set(digest, content);
      content.users += 1;
      let released = false;
      return {
        name: content.name,
        filled: () => fill(content, fetch),
        release: () => {
          if (!released) content.users -= 1;
          released = true;
        },
      };
    },
    own: (run, digest, volume, fetch, signal) => {
      const known = ofRun(run).get(digest);
      if (known?.isFilled === true && known.users === 0) {
        ofRun(run).delete(digest);
        return { name: known.name, filled: async () => {} };
      }
      const own: Content = { name: fresh(volume), users: 0, isFilled: false };
      const copy = async (from: Content): Promise<void> => {
        const tar: Readable | undefined = await runtime.read({ run, volume: from.name }, signal);
        if (tar !== undefined) await runtime.write({ run, volume: own.name }, tar, signal);
      };
      if (known?.isFilled !== true) return { name: own.name, filled: () => fill(own, fetch) };
      known.users += 1;
      let copied: Promise<void> | undefined;
      const copyOnce = (): Promise<void> =>
        copy(known).finally(() => {
          known.users -= 1;
        });
      return { name: own.name, filled: () => (copied ??= copyOnce()) };
    },
    holds: (run, digest, name) => {
      if (!ofRun(run).has(digest)) ofRun(run).set(digest, { name, users: 0, isFilled: true });
    },
    forget: (run) => void contents.delete(run),
  };
};

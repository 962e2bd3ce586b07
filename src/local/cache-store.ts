import { createHash } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CacheStore } from '../engine/cache-store.ts';
import { tarCensus } from '../lib/tar-census.ts';
import { isMissing, stateUnreadable, stateUnwritable } from './local-error.ts';
import { cachesRoot } from './project-dir.ts';
import { keepTar } from './tar-file.ts';

/** `<project>/.cion/cache/<key>.tar`. */
export const cacheStore = (dir: string): CacheStore => {
  const pathOf = (key: string): string => join(cachesRoot(dir), `${fileName(key)}.tar`);
  return {
    open: async (key) => {
      try {
        return (await open(pathOf(key))).createReadStream();
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw stateUnreadable(`the cache ${JSON.stringify(key)}`, error);
      }
    },
    save: async (key, tar, limitBytes) => {
      const tooLarge = new Error('too large');
      const census = tarCensus(tar, { bytes: limitBytes, over: () => tooLarge });
      try {
        await mkdir(cachesRoot(dir), { recursive: true });
        const kept = await keepTar(cachesRoot(dir), census.tar, () => (census.files() > 0 ? pathOf(key) : undefined));
        return kept ? 'saved' : 'empty';
      } catch (error) {
        if (error === tooLarge) return 'too-large';
        throw stateUnwritable(`the cache ${JSON.stringify(key)}`, error);
      } finally {
        census.tar.destroy();
      }
    },
  };
};

/** The next runs of the project begin without any. */
export const removeCaches = (dir: string): Promise<void> => rm(cachesRoot(dir), { recursive: true, force: true });

/** A key that is no name of a file, or too long for one, is told apart by its digest. */
const fileName = (key: string): string => (/^[\w-][\w.@-]{0,99}$/.test(key) ? key : `~${createHash('sha256').update(key).digest('hex')}`);

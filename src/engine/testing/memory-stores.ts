import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { tarCensus } from '../../lib/tar-census.ts';
import type { CacheStore } from '../cache-store.ts';
import type { TreeStore } from '../tree-store.ts';

export const memoryCaches = (): CacheStore & { readonly kept: Map<string, Uint8Array> } => {
  const kept = new Map<string, Uint8Array>();
  return {
    kept,
    open: async (key) => {
      const tar = kept.get(key);
      return tar === undefined ? undefined : Readable.from([tar]);
    },
    save: async (key, tar, limitBytes) => {
      const census = tarCensus(tar);
      const bytes = await buffer(census.tar);
      if (census.files() === 0) return 'empty';
      if (census.bytes() > limitBytes) return 'too-large';
      kept.set(key, bytes);
      return 'saved';
    },
  };
};

export const memoryTrees = (trees: Readonly<Record<string, Uint8Array>> = {}): TreeStore => ({
  open: async (digest) => {
    const tar = trees[digest];
    if (tar === undefined) throw new Error(`no tree ${digest}`);
    return Readable.from([tar]);
  },
});

import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { pack } from 'tar-stream';
import type { CacheStore } from '../engine/cache-store.ts';
import { newRunId } from '../lib/ids.ts';
import type { CacheShelf, RemoveResults, TreeShelf } from './removal.ts';
import type { Results } from './results.ts';

/** A place and what removes from it. `trees.keep` answers the digest. */
export type RemovalUnderTest = {
  readonly results: Results;
  readonly remove: RemoveResults;
  readonly trees: { keep(tar: Readable): Promise<{ readonly digest: string }>; open(digest: string): Promise<Readable> };
  readonly treeShelf: TreeShelf;
  caches(owner: string): CacheStore;
  readonly cacheShelf: CacheShelf;
  close(): Promise<void>;
};

const at = Date.UTC(2026, 10, 21, 12, 0, 0);
const never = new AbortController().signal;
/** Later than anything here is kept. */
const tomorrow = (): number => Date.now() + 86_400_000;
const yesterday = (): number => Date.now() - 86_400_000;

const tarOf = (content: string): Readable => {
  const tar = pack();
  tar.entry({ name: 'a.txt' }, content);
  tar.finalize();
  return Readable.from(tar, { objectMode: false });
};

export const removalContract = (name: string, make: () => Promise<RemovalUnderTest>): void => {
  describe(`${name} removes what is asked for and nothing else`, () => {
    let made: RemovalUnderTest;
    before(async () => {
      made = await make();
    });
    after(() => made.close());

    const kept = async (run: string): Promise<void> => {
      for (const attempt of [1, 2]) {
        const key = { run, stage: 'build', attempt };
        const log = await made.results.begin(key, at);
        await log.append({ stream: 'stdout', bytes: Buffer.from('hello'), at });
        await log.close();
        await made.results.putArtifacts(key, tarOf('a'));
        const ended = { outcome: 'passed', startedAt: at, finishedAt: at, hasLog: true, hasArtifacts: true } as const;
        await made.results.finish(key, ended);
      }
    };
    const names = ['build.json', 'build.log', 'build.zip', 'build@1.json', 'build@1.log', 'build@1.zip'];
    const found = async (run: string): Promise<readonly string[]> => {
      const there = [];
      for (const one of names) {
        const object = await made.results.open(run, one);
        object?.destroy();
        if (object !== undefined) there.push(one);
      }
      for await (const _ of made.results.readLog({ run, stage: 'build' }, { from: 0, follow: false, signal: never })) there.push('a log');
      return there;
    };

    it('forgets documents, logs and zips of all attempts of a run', async () => {
      const [one, other] = [newRunId(at), newRunId(at + 1)];
      await kept(one);
      await kept(other);
      const all = await found(other);
      assert.deepEqual(all, [...names, 'a log']);
      await made.remove(one);
      assert.deepEqual(await found(one), []);
      assert.deepEqual(await found(other), all);
      await made.remove(one);
    });

    it('takes no name that leads elsewhere', async () => {
      for (const run of ['', '.', '..', 'a/b', '../x']) await assert.rejects(made.remove(run), { code: 'RESULTS_UNWRITABLE' });
    });

    it('lists trees by their age, and removes none that was kept again since', async () => {
      const { digest } = await made.trees.keep(tarOf('tree'));
      assert.deepEqual(await made.treeShelf.list(yesterday()), []);
      assert.deepEqual(await made.treeShelf.list(tomorrow()), [digest]);
      await made.treeShelf.remove(digest, yesterday());
      (await made.trees.open(digest)).destroy();
      await made.treeShelf.remove(digest, tomorrow());
      assert.deepEqual(await made.treeShelf.list(tomorrow()), []);
      await made.treeShelf.remove(digest, tomorrow());
    });

    it('removes the caches of an owner, or those that were not saved for long', async () => {
      const owners = ['ada/shop', 'ada/shop of others', 'ada/shopping'];
      const there = async (): Promise<readonly string[]> => {
        const open = await Promise.all(owners.map(async (owner) => ({ owner, tar: await made.caches(owner).open('npm') })));
        for (const { tar } of open) tar?.destroy();
        return open.filter(({ tar }) => tar !== undefined).map(({ owner }) => owner);
      };
      for (const owner of owners) await made.caches(owner).save('npm', tarOf('c'), 1_000_000);
      await made.cacheShelf.removeOf('ada/shop');
      assert.deepEqual(await there(), owners.slice(1));
      await made.cacheShelf.removeUnused(yesterday());
      assert.deepEqual(await there(), owners.slice(1));
      await made.cacheShelf.removeUnused(tomorrow());
      assert.deepEqual(await there(), []);
      await made.cacheShelf.removeOf('nobody/here');
    });
  });
};

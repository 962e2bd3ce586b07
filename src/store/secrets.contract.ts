import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { NewSecret, SecretStore } from './secrets.ts';

export type SecretsUnderTest = {
  readonly store: SecretStore;
  /** Empties it; then there are the projects `ada/app` and `eve/app`. */
  clear(): Promise<void>;
  close(): Promise<void>;
};

const secret = (name: string, more: Partial<NewSecret> = {}): NewSecret => ({
  id: `${name}-1`,
  project: 'ada/app',
  name,
  kind: 'secret',
  sealed: 'v1.key.value',
  scope: { pipelines: ['build'], branches: ['release/*', `!a"b'`], environments: [], triggers: ['push'] },
  by: 'ada',
  at: 1_800_000_000_000,
  ...more,
});

export const secretsContract = (name: string, skip: string | false, open: () => Promise<SecretsUnderTest>): void => {
  describe(`SecretStore: ${name}`, { skip }, () => {
    let store: SecretStore;
    let opened: SecretsUnderTest;
    before(async () => {
      opened = await open();
      store = opened.store;
    });
    beforeEach(() => opened.clear());
    after(() => opened.close());
    const ids = async (project = 'ada/app') => (await store.list(project)).map(({ id, retiredAt }) => [id, retiredAt]);

    it('gives a project what was put there, by name, and nobody else', async () => {
      const [b, a] = [secret('B'), secret('a')];
      await store.put(a);
      await store.put(b);
      assert.deepEqual(await store.list('ada/app'), [b, a]);
      assert.deepEqual(await store.list('eve/app'), []);
      assert.deepEqual(await store.list("' or true --"), []);
    });

    it('keeps what was replaced, retired at that moment, behind the one in its place (atk-39)', async () => {
      await store.put(secret('A', { id: 'z', at: 10 }));
      await store.put(secret('A', { id: 'y', at: 20 }));
      await store.put(secret('A', { id: 'x', at: 30 }));
      assert.deepEqual(await ids(), [
        ['x', undefined],
        ['y', 30],
        ['z', 20],
      ]);
    });

    it('retires what is removed, once', async () => {
      await store.put(secret('A'));
      assert.equal(await store.remove('eve/app', 'A', 40), false);
      assert.equal(await store.remove('ada/app', 'B', 40), false);
      assert.equal(await store.remove('ada/app', 'A', 40), true);
      assert.equal(await store.remove('ada/app', 'A', 50), false);
      assert.deepEqual(await ids(), [['A-1', 40]]);
    });

    it('has one of a name, whoever puts it there at the same time', async () => {
      await Promise.all(Array.from({ length: 8 }, (_, i) => store.put(secret('A', { id: `id-${i}` }))));
      assert.equal((await ids()).filter(([, retiredAt]) => retiredAt === undefined).length, 1);
      assert.equal((await ids()).length, 8);
    });

    it('forgets what was retired before a moment, and nothing else', async () => {
      await store.put(secret('A', { id: 'old', at: 10 }));
      await store.put(secret('A', { id: 'new', at: 20 }));
      await store.put(secret('B', { id: 'removed', at: 10 }));
      await store.remove('ada/app', 'B', 30);
      await store.forget(20);
      assert.equal((await ids()).length, 3);
      await store.forget(30);
      assert.deepEqual(await ids(), [
        ['new', undefined],
        ['removed', 30],
      ]);
    });

    it('gives all of them in pages, and seals one again only if it is what it was', async () => {
      for (const id of ['d', 'B', 'a', 'c']) await store.put(secret(id, { id, project: id === 'c' ? 'eve/app' : 'ada/app' }));
      const pages = [await store.page('', 2), await store.page('a', 2), await store.page('d', 2)];
      assert.deepEqual(
        pages.map((page) => page.map(({ id }) => id)),
        [['B', 'a'], ['c', 'd'], []],
      );
      await store.reseal('a', 'v1.key.value', 'v1.new.value');
      await store.reseal('a', 'v1.key.value', 'v1.late.value');
      await store.reseal('c', 'v1.other.value', 'v1.late.value');
      const sealed = (await store.page('', 10)).map(({ id, sealed: text }) => [id, text]);
      assert.deepEqual(Object.fromEntries(sealed), { B: 'v1.key.value', a: 'v1.new.value', c: 'v1.key.value', d: 'v1.key.value' });
    });
  });
};

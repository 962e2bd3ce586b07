import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { defaultSettings, type Project, type ProjectStore } from './projects.ts';

export type ProjectsUnderTest = {
  readonly store: ProjectStore;
  /** Empties it. */
  clear(): Promise<void>;
  close(): Promise<void>;
};

const project = (name: string, repository?: string): Project => ({
  name,
  cloneUrl: `https://forge.example/${name}.git`,
  defaultBranch: 'main',
  visibility: 'private',
  webhookSecret: 'v1.sealed',
  settings: { ...defaultSettings, branches: ['release/*', `!a"b'$(c)\u202e`], limit: 3 },
  createdAt: 1_800_000_000_000,
  ...(repository === undefined ? {} : { forge: { kind: 'github', url: 'https://api.forge.example', repository, hook: '7' } }),
});

export const projectsContract = (name: string, skip: string | false, open: () => Promise<ProjectsUnderTest>): void => {
  describe(`ProjectStore: ${name}`, { skip }, () => {
    let store: ProjectStore;
    let opened: ProjectsUnderTest;
    before(async () => {
      opened = await open();
      store = opened.store;
    });
    beforeEach(() => opened.clear());
    after(() => opened.close());

    it('gives back what was added, and nothing for a name that it does not know', async () => {
      const [one, other] = [project('b/one', '1'), project('a/two')];
      assert.equal(await store.add(one), true);
      assert.equal(await store.add(other), true);
      assert.deepEqual(await store.get('b/one'), one);
      assert.equal(await store.get('B/one'), undefined);
      assert.equal(await store.get("' or true --"), undefined);
      assert.deepEqual(await store.list(), [other, one]);
    });

    it('has a name once, and a repository of a forge once; who comes second changes nothing (atk-05)', async () => {
      await store.add(project('ada/app', '1'));
      assert.equal(await store.add(project('ada/app', '2')), false);
      assert.equal(await store.add(project('eve/app', '1')), false);
      assert.equal(await store.add(project('any/one')), true);
      assert.equal(await store.add(project('any/two')), true);
      assert.deepEqual(await store.get('ada/app'), project('ada/app', '1'));
      assert.equal(await store.get('eve/app'), undefined);
    });

    it('of several that add one name at the same time one does', async () => {
      const added = await Promise.all(Array.from({ length: 5 }, (_, i) => store.add(project('ada/app', String(i)))));
      assert.equal(added.filter(Boolean).length, 1);
    });

    it('loses none of the changes that are made at the same time', async () => {
      await store.add(project('ada/app', '1'));
      const one =
        (priority: number) =>
        (before: Project): Project => ({
          ...before,
          settings: { ...before.settings, priority: before.settings.priority + priority },
        });
      await Promise.all(Array.from({ length: 10 }, () => store.change('ada/app', one(1))));
      assert.equal((await store.get('ada/app'))?.settings.priority, 10);
      assert.equal((await store.change('ada/app', one(5)))?.settings.priority, 15);
    });

    it('changes no name, and nothing where there is none', async () => {
      await store.add(project('ada/app', '1'));
      const changed = await store.change('ada/app', (before) => ({ ...before, name: 'eve/app', visibility: 'public' }));
      assert.deepEqual(changed, { ...project('ada/app', '1'), visibility: 'public' });
      assert.equal(await store.get('eve/app'), undefined);
      assert.equal(await store.change('no/where', (before) => before), undefined);
    });

    it('leaves it as it was when a change throws', async () => {
      await store.add(project('ada/app', '1'));
      const thrown = store.change('ada/app', () => {
        throw new RangeError('no');
      });
      await assert.rejects(thrown);
      assert.deepEqual(await store.get('ada/app'), project('ada/app', '1'));
    });

    it('takes a name and a repository anew once they were removed', async () => {
      await store.add(project('ada/app', '1'));
      await store.remove('ada/app');
      await store.remove('ada/app');
      assert.deepEqual(await store.list(), []);
      assert.equal(await store.add(project('ada/app', '1')), true);
    });
  });
};

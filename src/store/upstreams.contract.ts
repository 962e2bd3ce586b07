import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Upstream, UpstreamStore } from './upstreams.ts';

const one: Upstream = {
  id: 'one',
  project: 'ada/shop',
  after: { project: 'ada/library', pipeline: 'build', branch: 'main' },
  wants: { ref: 'refs/heads/main' },
  by: 'ada',
  createdAt: 1_800_000_000_000,
};
const other: Upstream = { ...one, id: 'other', project: 'ada/library', after: { project: 'ada/shop' }, wants: {} };

/** What every UpstreamStore does; `make` gives an empty one. */
export const upstreamStoreContract = (make: () => Promise<UpstreamStore>): void => {
  it('finds upstreams by who follows and by who is followed', async () => {
    const store = await make();
    await store.add(one);
    await store.add(other);
    assert.deepEqual(await store.list({ project: 'ada/shop' }), [one]);
    assert.deepEqual(await store.list({ after: 'ada/shop' }), [other]);
    assert.deepEqual(await store.list({ after: 'ada' }), []);
  });

  it('keeps the last note', async () => {
    const store = await make();
    await store.add(one);
    await store.note('one', { at: 1, run: 'run_1', text: 'first' });
    await store.note('one', { at: 2, run: 'run_2', text: 'second' });
    await store.note('gone', { at: 3, run: 'run_3', text: 'third' });
    assert.deepEqual(await store.list({ project: 'ada/shop' }), [{ ...one, note: { at: 2, run: 'run_2', text: 'second' } }]);
  });

  it('removes one of a project alone, or all that has to do with a project', async () => {
    const store = await make();
    await store.add(one);
    await store.add(other);
    assert.equal(await store.remove('ada/library', 'one'), false);
    assert.equal(await store.remove('ada/shop', 'one'), true);
    assert.equal(await store.remove('ada/shop', 'one'), false);
    await store.add(one);
    assert.equal(await store.remove('ada/shop'), true);
    assert.deepEqual(await store.list({ project: 'ada/library' }), []);
  });
};

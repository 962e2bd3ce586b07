import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { MarkStore } from './marks.ts';

/** What every MarkStore does; `make` gives an empty one. */
export const markStoreContract = (make: () => Promise<MarkStore>): void => {
  it('keeps how far each has come, and moves none back', async () => {
    const store = await make();
    assert.equal(await store.read('one'), undefined);
    await store.move('one', 1_800_000_000_000);
    await store.move('one', 5);
    await store.move('other', 7);
    assert.equal(await store.read('one'), 1_800_000_000_000);
    assert.equal(await store.read('other'), 7);
  });
};

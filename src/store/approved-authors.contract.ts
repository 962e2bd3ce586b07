import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ApprovedAuthors } from './approved-authors.ts';

/** What every ApprovedAuthors does; `make` gives an empty one. */
export const approvedAuthorsContract = (make: () => Promise<ApprovedAuthors>): void => {
  it('knows who was approved in a project, once or often, and nobody of another', async () => {
    const store = await make();
    await store.add('acme/app', []);
    await store.add('acme/app', ['7', '8', '7']);
    await store.add('acme/app', ['8', '9']);
    await store.add('acme/other', ['10']);
    assert.deepEqual([...(await store.among('acme/app', ['7', '9', '10', '77', "' or true --"]))].toSorted(), ['7', '9']);
    assert.deepEqual([...(await store.among('acme/app', []))], []);
    assert.deepEqual([...(await store.among('acme/none', ['7']))], []);
  });
};

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { RunRequests } from './run-requests.ts';

export type RunRequestsUnderTest = {
  readonly store: RunRequests;
  /** Empties it; then there are the project `ada/app` and its runs `run_1`, `run_2` and `run_3`. */
  clear(): Promise<void>;
  close(): Promise<void>;
};

const request = (once: string, at = 10) => ({ project: 'ada/app', once, request: `{"ref":"${once}"}`, at });

export const runRequestsContract = (name: string, skip: string | false, open: () => Promise<RunRequestsUnderTest>): void => {
  describe(`RunRequests: ${name}`, { skip }, () => {
    let store: RunRequests;
    let opened: RunRequestsUnderTest;
    before(async () => {
      opened = await open();
      store = opened.store;
    });
    beforeEach(() => opened.clear());
    after(() => opened.close());

    it('keeps a request until its run was fetched, the oldest first', async () => {
      for (const once of ['b', 'a', 'c']) await store.put(request(once));
      await store.begun('ada/app', 'a', 'run_1');
      assert.deepEqual(await store.pending(), [request('b'), { ...request('a'), run: 'run_1' }, request('c')]);
      await store.fetched('run_1');
      assert.deepEqual(await store.pending(), [request('b'), request('c')]);
      assert.deepEqual(await store.of('run_1'), { ...request('a'), run: 'run_1' });
    });

    it('keeps the first of two with the same name', async () => {
      await store.put(request('a'));
      await store.begun('ada/app', 'a', 'run_1');
      await store.put({ ...request('a', 20), request: 'another' });
      assert.deepEqual(await store.pending(), [{ ...request('a'), run: 'run_1' }]);
    });

    it('keeps the file of secrets of a run, whatever its bytes', async () => {
      await store.put(request('a'));
      await store.begun('ada/app', 'a', 'run_2');
      const file = Uint8Array.from({ length: 256 }, (_, i) => i);
      await store.keepSecretsFile('run_2', file);
      assert.deepEqual(await store.of('run_2'), { ...request('a'), run: 'run_2', secretsFile: file });
    });

    it('has nothing for a run that it does not know', async () => {
      await store.fetched('run_3');
      await store.keepSecretsFile('run_3', new Uint8Array(1));
      assert.equal(await store.of('run_3'), undefined);
    });
  });
};

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Delivery, DeliveryResult, DeliveryStore, NewDelivery } from './deliveries.ts';

export type DeliveriesUnderTest = {
  readonly store: DeliveryStore;
  /** Empties it, and makes that there are these projects. */
  clear(projects: readonly string[]): Promise<void>;
  close(): Promise<void>;
};

const delivery = (project: string, id: string, at = 0): NewDelivery => ({
  project,
  id,
  digest: `digest of ${id}`,
  headers: { 'x-event': 'push', odd: 'a"b\'$(c)\u202e' },
  body: Buffer.from([0, 255, 10, ...Buffer.from(id)]),
  at,
});
const done: DeliveryResult = { kind: 'done', note: 'It made a run.', runs: ['run_1'], at: 5000 };
const all = { now: 10, projects: 100, perProject: 100, except: [] };
const names = (taken: readonly Delivery[]) => taken.map(({ project, id }) => `${project} ${id}`);

export const deliveriesContract = (name: string, skip: string | false, open: () => Promise<DeliveriesUnderTest>): void => {
  describe(`DeliveryStore: ${name}`, { skip }, () => {
    let store: DeliveryStore;
    let opened: DeliveriesUnderTest;
    before(async () => {
      opened = await open();
      store = opened.store;
    });
    beforeEach(() => opened.clear(['a/a', 'b/b', 'c/c']));
    after(() => opened.close());

    it('gives what was added, byte for byte, and counts the try', async () => {
      assert.equal(await store.add(delivery('a/a', 'd1', 7)), true);
      const [taken] = await store.take(all);
      assert.deepEqual({ ...taken, body: Buffer.from(taken?.body ?? []) }, { ...delivery('a/a', 'd1', 7), tries: 1 });
    });

    it('knows a delivery by its id and by its bytes, of each project apart, also after it was settled and forgotten (atk-02)', async () => {
      const one = delivery('a/a', 'd1');
      assert.equal(await store.add(one), true);
      assert.equal(await store.add(one), false);
      assert.equal(await store.add({ ...one, digest: 'another' }), false);
      assert.equal(await store.add({ ...one, id: 'd2' }), false);
      assert.equal(await store.add({ ...one, project: 'b/b' }), true);
      await store.settle(one, done);
      await store.forget(Number.MAX_SAFE_INTEGER);
      assert.equal(await store.add(one), false);
      assert.equal(await store.add({ ...one, id: 'd2' }), false);
      assert.deepEqual(names(await store.take(all)), ['b/b d1']);
    });

    it('of several that add one at the same time one does', async () => {
      const added = await Promise.all(Array.from({ length: 5 }, () => store.add(delivery('a/a', 'd1'))));
      assert.equal(added.filter(Boolean).length, 1);
    });

    it('lets one that was given up wait anew when it comes again, and no other', async () => {
      const [up, refused] = [delivery('a/a', 'up'), delivery('a/a', 'refused')];
      for (const one of [up, refused]) await store.add(one);
      await store.take(all);
      await store.settle(up, { ...done, kind: 'given-up' });
      await store.settle(refused, { ...done, kind: 'refused' });
      assert.equal(await store.add({ ...refused, at: 9 }), false);
      assert.equal(await store.add({ ...up, at: 9 }), true);
      assert.deepEqual(
        (await store.take(all)).map(({ id, tries }) => [id, tries]),
        [['up', 1]],
      );
    });

    it('takes the oldest of each project, so many of so many projects, and none that are excepted (atk-08)', async () => {
      for (const id of ['1', '2', '3']) await store.add(delivery('a/a', id));
      for (const id of ['4', '5']) await store.add(delivery('b/b', id));
      await store.add(delivery('c/c', '6'));
      assert.deepEqual(names(await store.take({ ...all, perProject: 1, projects: 2 })), ['a/a 1', 'b/b 4']);
      assert.deepEqual(names(await store.take({ ...all, perProject: 1, except: ['a/a', 'c/c'] })), ['b/b 5']);
      assert.deepEqual(names(await store.take({ ...all, perProject: 2 })), ['a/a 2', 'a/a 3', 'c/c 6']);
      assert.deepEqual(names(await store.take(all)), []);
    });

    it('gives one again that was not settled: after a second, two, four, and at most five minutes', async () => {
      await store.add(delivery('a/a', 'd1', 0));
      let now = 0;
      for (const pause of [1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000]) {
        assert.equal((await store.take({ ...all, now })).length, 1, `at ${now}`);
        assert.equal((await store.take({ ...all, now: now + pause - 1 })).length, 0, `before ${now + pause}`);
        now += pause;
      }
    });

    it('goes on with others while one waits to be tried again', async () => {
      await store.add(delivery('a/a', 'd1'));
      await store.take(all);
      await store.add(delivery('a/a', 'd2'));
      assert.deepEqual(names(await store.take(all)), ['a/a d2']);
      assert.deepEqual(names(await store.take({ ...all, now: 60_000 })), ['a/a d1', 'a/a d2']);
    });

    it('lists what came and what became of it, the newest first, and the first result stays', async () => {
      for (const id of ['1', '2', '3']) await store.add(delivery('a/a', id, 5));
      await store.take(all);
      await store.settle({ project: 'a/a', id: '1' }, done);
      await store.settle({ project: 'a/a', id: '1' }, { ...done, kind: 'refused', note: 'later' });
      const { digest: _digest, body: _body, ...shown } = { ...delivery('a/a', '1', 5), tries: 1 };
      assert.deepEqual(await store.list('a/a', 2), [
        { ...shown, id: '3' },
        { ...shown, id: '2' },
      ]);
      assert.deepEqual((await store.list('a/a', 9))[2], { ...shown, result: done });
      assert.deepEqual(await store.list('b/b', 9), []);
    });

    it('forgets only the bodies of those that were settled before', async () => {
      for (const id of ['old', 'new', 'waiting']) await store.add(delivery('a/a', id));
      await store.settle({ project: 'a/a', id: 'old' }, { ...done, kind: 'given-up', at: 10 });
      await store.settle({ project: 'a/a', id: 'new' }, { ...done, at: 20 });
      await store.forget(15);
      assert.equal((await store.list('a/a', 9)).length, 3);
      const [waiting] = await store.take(all);
      assert.equal(
        Buffer.from(waiting?.body ?? [])
          .subarray(3)
          .toString(),
        'waiting',
      );
    });

    it('gives many of one project in a time that others do not notice (atk-08)', async () => {
      for (let i = 0; i < 300; i++) await store.add(delivery('a/a', `flood ${i}`));
      await store.add(delivery('b/b', 'mine'));
      assert.deepEqual(names(await store.take({ ...all, perProject: 1, projects: 2 })), ['a/a flood 0', 'b/b mine']);
    });
  });
};

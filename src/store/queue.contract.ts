import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Queue, QueueClaim, QueueItem } from './queue.ts';
import type { NewQueueItem, RunStore } from './run-store.ts';
import { change, idsOf, item, newRun, noon, noted, type StoreUnderTest, stagesOf } from './testing/samples.ts';

/** What every adapter of Queue promises. */
export const queueContract = (name: string, make: () => Promise<StoreUnderTest>, skip: string | false = false): void => {
  describe(`${name} keeps the contract of Queue`, { skip }, () => {
    let made: StoreUnderTest;
    let runs: RunStore;
    let queue: Queue;
    before(async () => {
      made = await make();
    });
    beforeEach(async () => {
      ({ runs, queue } = await made.fresh());
    });
    after(() => made.close());

    const lease = { now: noon, until: noon + 15_000 };
    const worker = (slots: number, more: Partial<QueueClaim> = {}): QueueClaim => ({ worker: 'w1', labels: [], slots, ...more });
    const claim = (slots: number, more: Partial<QueueClaim> = {}) => queue.claim([worker(slots, more)], lease);
    const push = async (...items: readonly NewQueueItem[]) => {
      for (const run of new Set(items.map(({ run }) => run))) await runs.create(newRun(run));
      for (const one of items) assert.equal(await runs.append(change(one.run, 1, { push: [one] })), 'appended');
    };
    const take = async (taken: QueueItem) => {
      const guard = { item: taken.id, token: taken.claim?.token ?? Number.NaN };
      return runs.append(change(taken.run, 1, { remove: [taken.id], guard }));
    };
    const giveBack = (id: string) => runs.append(change(id.split('/')[0] ?? '', 1, { giveBack: [id] }));

    it('gives out what came first first, one at a time under a limit of one (R-CIO-05)', async () => {
      const group = { name: 'one at a time', limit: 1 };
      await push(...['a', 'b', 'c'].map((stage) => item('run_a', stage, { group })));
      const order: string[] = [];
      for (let turn = 0; turn < 3; turn++) {
        const [got, ...more] = await claim(5);
        assert.ok(got);
        assert.deepEqual([more, await claim(5)], [[], []]);
        order.push(got.stage);
        assert.equal(await take(got), 'appended');
      }
      assert.deepEqual(order, ['a', 'b', 'c']);
    });

    it('gives each item as it was pushed, with its claim', async () => {
      const full = item('run_a', 'build', {
        labels: ['arm', 'gpu'],
        group: { name: 'g', limit: 2 },
        worker: 'w1',
        priority: -3,
        attempt: 2,
      });
      await push(full);
      const [got] = await claim(1, { labels: ['gpu', 'arm', 'x'] });
      assert.deepEqual(got, { ...full, claim: { worker: 'w1', token: got?.claim?.token, until: lease.until, at: noon } });
      assert.ok(Number.isSafeInteger(got?.claim?.token));
      assert.deepEqual(await queue.list(), [got]);
    });

    it('gives a worker no more than it has slots for, and nothing twice', async () => {
      await push(...['a', 'b', 'c'].map((stage) => item('run_a', stage)));
      assert.deepEqual(await claim(0), []);
      assert.deepEqual(stagesOf(await claim(2)), ['a', 'b']);
      assert.deepEqual(stagesOf(await claim(2)), ['c']);
      assert.deepEqual(await claim(2), []);
    });

    it('lets the larger priority go first', async () => {
      await push(
        item('run_a', 'low', { priority: -1 }),
        item('run_a', 'normal'),
        item('run_a', 'high', { priority: 2 }),
        item('run_a', 'next'),
      );
      assert.deepEqual(stagesOf(await claim(9)), ['high', 'normal', 'next', 'low']);
    });

    it('lets the pipeline go first that has fewer items claimed (R-CIO-05)', async () => {
      const many = ['a1', 'a2', 'a3', 'a4'].map((stage) => item('run_a', stage));
      await push(
        ...many,
        item('run_b', 'b1', { pipeline: 'nightly' }),
        item('run_b', 'c1', { project: 'bob/blog' }),
        item('run_b', 'c2', { project: 'bob/blog' }),
      );
      assert.deepEqual(stagesOf(await claim(2)), ['a1', 'b1']);
      assert.deepEqual(stagesOf(await claim(9)), ['c1', 'a2', 'c2', 'a3', 'a4']);
    });

    it('gives a worker only what it has all labels for, and an item for one worker to no other', async () => {
      await push(
        item('run_a', 'arm', { labels: ['arm'] }),
        item('run_a', 'both', { labels: ['arm', 'gpu'] }),
        item('run_a', 'mine', { worker: 'w2' }),
        item('run_a', 'any'),
      );
      assert.deepEqual(stagesOf(await claim(9)), ['any']);
      assert.deepEqual(stagesOf(await claim(9, { worker: 'w2', labels: ['arm', 'fast'] })), ['arm', 'mine']);
      assert.deepEqual(stagesOf(await claim(9, { worker: 'w3', labels: ['gpu', 'arm'] })), ['both']);
    });

    it('shares out to many workers in one go, to whom has most slots left', async () => {
      await push(...['a', 'b', 'c', 'd'].map((stage) => item('run_a', stage)), item('run_a', 'e', { labels: ['gpu'] }));
      const got = await queue.claim([worker(1), worker(3, { worker: 'w2', labels: ['gpu'] })], lease);
      const share = (name: string) => stagesOf(got.filter(({ claim: its }) => its?.worker === name));
      assert.deepEqual([share('w1').length, share('w2').length], [1, 3]);
      assert.deepEqual(got.map(({ stage }) => stage).toSorted(), ['a', 'b', 'c', 'd']);
      assert.deepEqual(stagesOf(await claim(9, { labels: ['gpu'] })), ['e']);
    });

    it('holds a group to its limit over all runs, and passes over it', async () => {
      const deploy = { name: 'live', limit: 2 };
      await push(...['run_a', 'run_b', 'run_c'].map((run) => item(run, 'ship', { group: deploy })), item('run_c', 'test'));
      const got = await claim(9);
      assert.deepEqual(idsOf(got), ['run_a/ship/1', 'run_b/ship/1', 'run_c/test/1']);
      assert.deepEqual(await claim(9), []);
      const [first] = got;
      assert.ok(first);
      await take(first);
      assert.deepEqual(idsOf(await claim(9)), ['run_c/ship/1']);
    });

    it('gives each item to one of many who claim at once, and all of them to somebody (R-CIO-04)', async () => {
      await runs.create(newRun('run_a'));
      const items = Array.from({ length: 60 }, (_, i) => item('run_a', `s${i}`));
      await runs.append(change('run_a', 1, { push: items }));
      const got: string[] = [];
      const claimer = async (name: string) => {
        for (;;) {
          const some = await claim(2, { worker: name });
          if (some.length === 0) return;
          assert.ok(some.every(({ claim: its }) => its?.worker === name));
          got.push(...idsOf(some));
        }
      };
      await Promise.all(Array.from({ length: 12 }, (_, i) => claimer(`w${i}`)));
      assert.equal(got.length, 60);
      assert.deepEqual(new Set(got), new Set(items.map(({ id }) => id)));
    });

    it('never has more of a group claimed than its limit, when all come at once', async () => {
      await runs.create(newRun('run_a'));
      const group = { name: 'live', limit: 3 };
      await runs.append(change('run_a', 1, { push: Array.from({ length: 20 }, (_, i) => item('run_a', `s${i}`, { group })) }));
      const got = await Promise.all(Array.from({ length: 10 }, (_, i) => claim(1, { worker: `w${i}` })));
      assert.equal(got.flat().length, 3);
    });

    it('holds all of a group to its newest limit, raised, lowered or taken away while a hundred wait, in the order in which they came (atk-77)', async () => {
      await runs.create(newRun('run_a'));
      const group = { name: 'project ada/shop', limit: 2 };
      const waiting = Array.from({ length: 100 }, (_, i) => item('run_a', `s${String(i).padStart(3, '0')}`, { group }));
      const live = item('run_a', 'live', { group: { name: 'environment ada/shop live', limit: 1 } });
      await runs.append(change('run_a', 1, { push: [...waiting, live, item('run_a', 'other', { project: 'eve/other' })] }));
      const { project } = live;
      const all = [...(await claim(200))];
      assert.deepEqual(stagesOf(all).toSorted(), ['live', 'other', 's000', 's001']);
      const claimed = async (): Promise<readonly string[]> => {
        const got = await claim(200);
        all.push(...got);
        return stagesOf(got);
      };
      await queue.regroup(project, { name: group.name, limit: 5 });
      assert.deepEqual(await claimed(), ['s002', 's003', 's004']);
      await queue.regroup(project, { name: group.name, limit: 1 });
      assert.deepEqual(await claimed(), []);
      for (const one of all.filter(({ stage }) => stage.startsWith('s')).slice(0, 4)) await take(one);
      assert.deepEqual(await claimed(), []);
      await take(all.find(({ stage }) => stage === 's004') ?? assert.fail());
      assert.deepEqual(await claimed(), ['s005']);
      await queue.regroup(project, { name: group.name });
      assert.equal((await claimed()).length, 94);
      const listed = await queue.list();
      assert.deepEqual(new Set(listed.map((one) => one.group?.name)), new Set([undefined, 'environment ada/shop live']));
      await queue.regroup(project, { name: group.name, limit: 1 });
      await runs.create(newRun('run_b'));
      await runs.append(change('run_b', 1, { push: [item('run_b', 'late', { group: { name: group.name, limit: 1 } })] }));
      assert.deepEqual(await claimed(), []);
    });

    it('lets nothing with a larger limit of the same group go before what came first, nor beyond the smaller one (atk-77)', async () => {
      await push(item('run_a', 'first', { group: { name: 'g', limit: 1 } }), item('run_b', 'second', { group: { name: 'g', limit: 1 } }));
      await push(item('run_c', 'third', { group: { name: 'g', limit: 9 } }));
      const [first, ...more] = await claim(9);
      assert.deepEqual([first?.stage, more], ['first', []]);
      await take(first ?? assert.fail());
      assert.deepEqual(stagesOf(await claim(9)), ['second']);
    });

    it('gives one of a group that is removed, with its run, to nobody, and the others their turn (atk-77)', async () => {
      const group = { name: 'environment ada/shop live', limit: 1 };
      await push(...['run_a', 'run_b', 'run_c'].map((run) => item(run, 'ship', { group })));
      assert.deepEqual(idsOf(await claim(9)), ['run_a/ship/1']);
      await runs.remove('run_b');
      assert.deepEqual(await claim(9), []);
      await runs.remove('run_a');
      assert.deepEqual(idsOf(await claim(9)), ['run_c/ship/1']);
    });

    it('gives each lease a larger token than all before', async () => {
      await push(item('run_a', 'a'), item('run_a', 'b'));
      let last = 0;
      for (let turn = 0; turn < 4; turn++) {
        const stage = turn % 2 === 0 ? 'a' : 'b';
        const [got] = turn < 2 ? await claim(1) : await queue.reclaim('w1', [], noon);
        const token = got?.claim?.token ?? 0;
        assert.ok(token > last, `${stage}: ${token} after ${last}`);
        last = Math.max(...(await queue.list()).map(({ claim: its }) => its?.token ?? 0));
      }
    });

    describe('a lease', () => {
      let held: readonly QueueItem[];
      beforeEach(async () => {
        await push(item('run_a', 'a'), item('run_a', 'b'), item('run_a', 'c'));
        held = await claim(2);
      });
      const tokens = () => held.map(({ id, claim: its }) => ({ item: id, token: its?.token ?? Number.NaN }));

      it('is renewed for its newest token alone', async () => {
        const [a, b] = tokens();
        assert.ok(a && b);
        const renewed = await queue.renew(
          [a, { ...b, token: b.token - 1 }, { item: 'run_a/c/1', token: 1 }, { item: 'no', token: 1 }],
          noon + 99,
        );
        assert.deepEqual(renewed, new Set([a.item]));
        assert.deepEqual(await queue.renew([], noon), new Set());
        const until = (await queue.list()).map(({ claim: its }) => its?.until);
        assert.deepEqual(until, [noon + 99, lease.until, undefined]);
      });

      it('that has lapsed is told of, and can be renewed as long as nobody else has one', async () => {
        assert.deepEqual(await queue.lapsed(lease.until), []);
        assert.deepEqual(stagesOf(await queue.lapsed(lease.until + 1)), ['a', 'b']);
        assert.equal((await queue.renew(tokens(), lease.until + 20_000)).size, 2);
        assert.deepEqual(await queue.lapsed(lease.until + 1), []);
      });

      it('ends when its worker begins anew: the items stay its own, under new tokens', async () => {
        const before = tokens();
        assert.deepEqual(await queue.reclaim('w2', [], noon + 50), []);
        const again = await queue.reclaim('w1', [], noon + 50);
        assert.deepEqual(stagesOf(again), ['a', 'b']);
        for (const [index, { claim: its }] of again.entries()) {
          assert.ok((its?.token ?? 0) > (before[index]?.token ?? 0));
          assert.deepEqual([its?.worker, its?.until, its?.at], ['w1', noon + 50, noon]);
        }
        assert.equal((await queue.renew(before, noon + 99)).size, 0);
        const [old] = before;
        assert.ok(old);
        assert.equal(await runs.append(change('run_a', 1, { facts: [noted('late')], guard: old })), 'fenced');
      });

      it('goes on for what its worker knows of, when it asks for what it was not told of', async () => {
        const [a, b] = tokens();
        assert.ok(a && b);
        const [again, ...more] = await queue.reclaim('w1', [a.item, 'run_a/c/1', 'no'], noon + 50);
        assert.deepEqual([again?.id, more], [b.item, []]);
        assert.deepEqual(await queue.renew([a, b], noon + 99), new Set([a.item]));
      });

      it('ends when the item is given back, which then stands where it stood', async () => {
        const [old] = tokens();
        assert.ok(old);
        assert.equal(await giveBack('run_a/a/1'), 'appended');
        assert.deepEqual(stagesOf(await queue.list()), ['b', 'a', 'c']);
        assert.equal((await queue.renew([old], noon)).size, 0);
        assert.equal(await runs.append(change('run_a', 1, { guard: old })), 'fenced');
        const [again] = await claim(1, { worker: 'w2' });
        assert.deepEqual([again?.stage, again?.claim?.worker], ['a', 'w2']);
        assert.ok((again?.claim?.token ?? 0) > old.token);
        assert.equal(await runs.append(change('run_a', 1, { guard: old })), 'fenced');
      });
    });

    it('lists the containers of all projects: those that are claimed, then the others in the order of their turns (R-CIO-03)', async () => {
      await push(
        item('run_a', 'a1'),
        item('run_a', 'a2'),
        item('run_a', 'a3'),
        item('run_b', 'b1', { project: 'bob/blog', pipeline: 'wercker' }),
        item('run_b', 'b2', { project: 'bob/blog', pipeline: 'wercker' }),
        item('run_b', 'b0', { project: 'bob/blog', pipeline: 'wercker', priority: 1 }),
      );
      assert.deepEqual(stagesOf(await claim(2)), ['b0', 'a1']);
      const listed = stagesOf(await queue.list());
      assert.deepEqual(
        [listed.slice(0, 2).toSorted(), listed.slice(2)],
        [
          ['a1', 'b0'],
          ['a2', 'b1', 'a3', 'b2'],
        ],
      );
      assert.deepEqual(stagesOf(await claim(9)), ['a2', 'b1', 'a3', 'b2']);
    });
  });
};

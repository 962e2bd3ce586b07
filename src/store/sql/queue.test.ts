import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { describe, it } from 'node:test';
import type { QueueItem } from '../queue.ts';
import { change, idsOf, item, newRun, noon, noted } from '../testing/samples.ts';
import { openDatabase } from './database.ts';
import { takeOver } from './epoch.ts';
import { sqlQueue } from './queue.ts';
import { sqlRunStore } from './run-store.ts';
import { embeddedDirectory, testDatabases } from './testing/databases.ts';

const lease = { now: noon, until: noon + 15_000 };

for (const { name, skip, make } of testDatabases) {
  describe(`the queue in ${name}`, { skip }, () => {
    it('gives no item to two and no group more than its limit, while many claim, renew, finish and give back at once (R-CIO-04, R-CIO-05)', async () => {
      const made = await make();
      const epoch = await takeOver(made.database);
      const runs = sqlRunStore(made.database, epoch);
      const names = Array.from({ length: 8 }, (_, i) => `run_${i}`);
      const group = { name: 'few', limit: 3 };
      for (const run of names) {
        await runs.create(newRun(run, { project: run }));
        const items = Array.from({ length: 12 }, (_, i) => item(run, `s${i}`, { project: run, ...(i % 3 === 0 && { group }) }));
        await runs.append(change(run, 1, { push: items }));
      }
      const active = new Set<string>();
      const finished: string[] = [];
      const known = new Map(names.map((run) => [run, 1]));
      const lines = new Map<string, Promise<unknown>>();
      const grouped = () => [...active].filter((id) => Number(/s(\d+)\//.exec(id)?.[1]) % 3 === 0).length;

      /** Appends to one run wait for each other; those to others do not. */
      const inLine = (run: string, work: () => Promise<void>) => {
        const turn = (lines.get(run) ?? Promise.resolve()).then(work);
        lines.set(run, turn);
        return turn;
      };
      const end = (got: QueueItem, more: 'remove' | 'giveBack') =>
        inLine(got.run, async () => {
          const after = known.get(got.run) ?? 0;
          const guard = { item: got.id, token: got.claim?.token ?? 0, sequence: 1 };
          active.delete(got.id);
          assert.equal(await runs.append(change(got.run, after, { facts: [noted(more)], [more]: [got.id], guard })), 'appended');
          known.set(got.run, after + 1);
          if (more === 'remove') finished.push(got.id);
        });
      const carry = async (worker: string, turns: number) => {
        const queue = sqlQueue(made.database, epoch);
        for (let turn = 0; finished.length < 96; turn++) {
          const got = await queue.claim([{ worker, labels: [], slots: 3 }], lease);
          for (const { id } of got) {
            assert.ok(!active.has(id), `${id} was claimed twice`);
            active.add(id);
          }
          assert.ok(grouped() <= group.limit, `${grouped()} of the group`);
          const held = got.map(({ id, claim }) => ({ item: id, token: claim?.token ?? 0 })).toReversed();
          assert.equal((await queue.renew(held, noon + 30_000)).size, held.length);
          await Promise.all(got.map((one, index) => end(one, turn < turns && index === 1 ? 'giveBack' : 'remove')));
        }
      };
      await Promise.all(Array.from({ length: 8 }, (_, i) => carry(`w${i}`, 3)));
      assert.equal(new Set(finished).size, 96);
      assert.equal(finished.length, 96);
      await epoch.release();
      await made.close();
    });
  });
}

describe('the queue of an embedded database', () => {
  it('is there after a restart, and each item goes to one worker (R-CIO-04)', async () => {
    const directory = await embeddedDirectory();
    const first = await openDatabase({ kind: 'embedded', directory });
    const before = await takeOver(first);
    const runs = sqlRunStore(first, before);
    await runs.create(newRun('run_a'));
    const items = Array.from({ length: 5 }, (_, i) => item('run_a', `s${i}`));
    await runs.append(change('run_a', 1, { push: items }));
    await before.release();
    await first.close();

    const second = await openDatabase({ kind: 'embedded', directory });
    const epoch = await takeOver(second);
    const queue = sqlQueue(second, epoch);
    const worker = (name: string) => queue.claim([{ worker: name, labels: [], slots: 3 }], lease);
    const [one, two] = await Promise.all([worker('w1'), worker('w2')]);
    assert.deepEqual([...idsOf(one), ...idsOf(two)].toSorted(), idsOf(items));
    await epoch.release();
    await second.close();
    await rm(directory, { recursive: true });
  });
});

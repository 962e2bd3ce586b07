import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Claimed } from '../../api/worker-protocol.ts';
import { memoryStore } from '../../store/memory/memory-store.ts';
import { testDatabases } from '../../store/sql/testing/databases.ts';
import { sqlStore } from '../../store/sql/testing/sql-store.ts';
import type { StoreUnderTest } from '../../store/testing/samples.ts';
import { gateOf, passed, planOf, preparing, serve, stageOf, startedNow } from './testing/served.ts';

const stores: readonly (readonly [string, () => Promise<Pick<StoreUnderTest, 'fresh' | 'close'>>])[] = [
  ['memory', async () => ({ fresh: async () => memoryStore(), close: async () => {} })],
  [
    'PGlite',
    async () => {
      const [pglite] = testDatabases;
      assert.ok(pglite);
      return sqlStore(await pglite.make());
    },
  ],
];

const stageNames = (claimed: readonly Claimed[]): readonly string[] => claimed.map(({ work }) => work.stage.name);
const hundred = Array.from({ length: 100 }, (_, i) => `s${String(i).padStart(3, '0')}`);

for (const [name, make] of stores) {
  describe(`groups of the queue, on ${name}`, { timeout: 120_000 }, () => {
    let store: Pick<StoreUnderTest, 'fresh' | 'close'>;
    before(async () => {
      store = await make();
    });
    after(() => store.close());

    /** `policy.limit` is what the project has now. */
    const serving = async (policy: { limit?: number }) => {
      const { runs, queue } = await store.fresh();
      const server = await serve({ runs, queue, policyOf: async () => ({ priority: 0, labels: [], ...policy }) });
      const end = async (claimed: Claimed, worker = 'w1'): Promise<void> => {
        await server.tell(claimed, 1, [preparing(claimed), startedNow(claimed)], worker);
        await server.tell(claimed, 2, [passed(claimed)], worker);
      };
      const change = async (limit: number | undefined): Promise<void> => {
        if (limit === undefined) delete policy.limit;
        else policy.limit = limit;
        await server.dispatcher.policyChanged('acme/app');
      };
      /** A store that takes its time is waited for before the clock goes on. */
      const claim = async (worker = 'w1', slots = 200): Promise<readonly Claimed[]> => {
        let isOver = false;
        const asked = server.dispatcher.claim({ worker, labels: [], slots, waitMs: 1, fresh: false }, server.signal()).finally(() => {
          isOver = true;
        });
        for (let turns = 0; turns < 5 && !isOver; turns++) await server.store.queue.list();
        while (!isOver) await server.clock.advance(1);
        return (await asked).claimed;
      };
      return { server, end, change, claim };
    };

    it('a limit that is raised, lowered or taken away while a hundred stages wait counts for these, and what runs goes on (atk-77)', async () => {
      const { server, end, change, claim } = await serving({ limit: 2 });
      const run = await server.plan(planOf(hundred.map((stage) => stageOf(stage))));
      const held = [...(await claim())];
      assert.deepEqual(stageNames(held), ['s000', 's001']);
      await change(4);
      held.push(...(await claim()));
      assert.deepEqual(stageNames(held), ['s000', 's001', 's002', 's003']);
      await change(1);
      for (const one of held.splice(0, 3)) {
        assert.deepEqual(await claim(), []);
        await end(one);
      }
      assert.deepEqual(await claim(), []);
      await end(held.pop() ?? assert.fail());
      const [next, ...more] = await claim();
      assert.deepEqual([next?.work.stage.name, more], ['s004', []]);
      await change(undefined);
      assert.equal((await claim()).length, 95);
      const state = await server.state(run);
      assert.equal([...(state?.nodes.values() ?? [])].filter(({ outcome }) => outcome === 'passed').length, 4);
    });

    it('a worker that waits is given more as soon as a limit is raised (atk-77)', async () => {
      const { server, change, claim } = await serving({ limit: 1 });
      await server.plan(planOf([stageOf('one'), stageOf('two')]));
      await claim('w1', 1);
      const waiting = server.dispatcher.claim({ worker: 'w2', labels: [], slots: 1, waitMs: 50_000, fresh: false }, server.signal());
      await change(2);
      assert.deepEqual(stageNames((await waiting).claimed), ['two']);
    });

    it('a limit that changed while no server was there counts when one is there again (atk-77)', async () => {
      const policy: { limit?: number } = { limit: 1 };
      const { server, claim } = await serving(policy);
      await server.plan(planOf(hundred.map((stage) => stageOf(stage))));
      assert.equal((await claim()).length, 1);
      policy.limit = 3;
      await server.restart();
      for (let tries = 0; (await server.store.queue.list()).some(({ group }) => group?.limit !== 3) && tries < 1000; tries++) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.equal((await claim('w2')).length, 2);
    });

    it('of two runs that deploy to one environment, claimed in the same moment by many workers, one does; the other when it has ended (atk-77)', async () => {
      const { server, end, claim } = await serving({});
      const deploys = { deploys: { environment: 'production' } };
      const runs = await Promise.all(['one', 'two', 'three'].map((once) => server.plan(planOf([stageOf('ship', [], deploys)]), { once })));
      const workers = Array.from({ length: 8 }, (_, i) => `w${i}`);
      const seen: string[] = [];
      for (const _ of runs) {
        const got = await Promise.all(workers.map(async (worker) => ({ worker, claimed: await claim(worker, 1) })));
        const given = got.flatMap(({ worker, claimed }) => claimed.map((one) => ({ worker, one })));
        assert.equal(given.length, 1);
        for (const { worker, one } of given) {
          seen.push(one.work.run);
          await end(one, worker);
        }
      }
      assert.deepEqual(seen.toSorted(), runs.toSorted());
    });

    it('a deploy that waits for a person holds its environment from nobody; approved, it waits for who deploys there then (atk-77)', async () => {
      const { server, end, claim } = await serving({});
      const deploys = { deploys: { environment: 'production' } };
      const asking = await server.plan(planOf([gateOf('approve'), stageOf('ship', ['approve'], deploys)]), { once: 'asking' });
      const straight = await server.plan(planOf([stageOf('ship', [], deploys)]), { once: 'straight' });
      const [first, ...none] = await claim();
      assert.deepEqual([first?.work.run, none], [straight, []]);
      await server.dispatcher.report(asking, () => [
        { kind: 'gate.decided', gate: 'approve', decision: { kind: 'approved', by: 'ada', at: server.clock.now() } },
      ]);
      assert.deepEqual((await server.store.queue.list()).map(({ run }) => run).toSorted(), [asking, straight].toSorted());
      assert.deepEqual(await claim('w2'), []);
      await end(first ?? assert.fail());
      assert.deepEqual(
        (await claim('w2')).map(({ work }) => work.run),
        [asking],
      );
    });

    it('runs that are removed or cancelled while they wait for an environment leave it to those behind them (atk-77)', async () => {
      const { server, end, claim } = await serving({});
      const deploys = { deploys: { environment: 'production' } };
      const runs: string[] = [];
      for (const once of hundred) runs.push(await server.plan(planOf([stageOf('ship', [], deploys)]), { once }));
      const [first] = await claim();
      assert.equal(first?.work.run, runs[0]);
      for (const run of runs.slice(1, 50)) {
        await server.dispatcher.report(run, () => [{ kind: 'run.cancel-requested', by: 'ada', force: false }]);
      }
      for (const run of runs.slice(50, 99)) await server.store.runs.remove(run);
      assert.deepEqual(await claim('w2'), []);
      await end(first ?? assert.fail());
      assert.deepEqual(
        (await claim('w2')).map(({ work }) => work.run),
        [runs[99]],
      );
    });
  });
}

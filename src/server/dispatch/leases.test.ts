import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Claimed } from '../../api/worker-protocol.ts';
import { failed, passed, planOf, preparing, serve, served, stageOf, startedNow } from './testing/served.ts';
import { defaultLimits } from './dispatcher-deps.ts';

type Server = Awaited<ReturnType<typeof serve>>;

const begun = async (server: Server, retries = 1): Promise<{ readonly run: string; readonly build: Claimed }> => {
  const run = await server.plan(planOf([stageOf('build', [], { retry: { attempts: retries, on: ['errored'] } })]));
  const [build] = await server.claim();
  assert.ok(build);
  return { run, build };
};
const kinds = async (server: Server, run: string) => (await server.events(run)).map(({ kind }) => kind);
const { leaseMs: lease } = defaultLimits;
const grace = 60_000;

describe('leases', () => {
  it('say in answer to a claim which of the runs are over that a worker keeps things of', async () => {
    const server = await serve();
    const { run, build } = await begun(server);
    const asked = async (): Promise<readonly string[] | undefined> => {
      const request = { worker: 'w1', slots: 1, waitMs: 0, fresh: false, labels: [], keeps: [run, 'run_gone'] };
      const answering = server.dispatcher.claim(request, server.signal());
      await server.clock.advance(0);
      return (await answering).over;
    };
    assert.deepEqual(await asked(), ['run_gone']);
    await server.tell(build, 1, [preparing(build), startedNow(build), passed(build)]);
    assert.deepEqual(await asked(), [run, 'run_gone']);
  });

  it('gives what was never let go to another worker when the lease is over, as the same attempt (atk-71)', async () => {
    const server = await serve();
    const { run, build } = await begun(server);
    await server.tell(build, 1, [preparing(build)]);
    await server.clock.advance(lease - 1);
    assert.deepEqual(await server.claim('w2'), []);
    await server.clock.advance(1);
    const [again] = await server.claim('w2');
    assert.equal(again?.lease.item, build.lease.item);
    assert.ok(again && again.lease.token > build.lease.token);
    assert.equal((await server.tell(build, 2, [startedNow(build)])).kind, 'lost');
    assert.equal((await server.tell(again, 1, [preparing(again), startedNow(again), passed(again)], 'w2')).kind, 'held');
    assert.equal((await server.state(run))?.outcome, 'passed');
    assert.equal((await kinds(server, run)).filter((kind) => kind === 'stage.started').length, 1);
  });

  it('tells a worker once more what it was given by an answer that it did not hear, and no other has it; what it knows of stays as it is', async () => {
    const server = await serve();
    const { run, build } = await begun(server);
    await server.tell(build, 1, [preparing(build), startedNow(build)]);
    await server.plan(planOf([stageOf('other', [])]));
    const [unheard] = await server.claim();
    assert.deepEqual(await server.claim('w2'), []);
    assert.deepEqual(await server.claim('w1'), []);
    const [other, ...more] = await server.claim('w1', { holds: [build.lease.item] });
    assert.ok(unheard && other);
    assert.deepEqual([other.lease.item, more], [unheard.lease.item, []]);
    assert.ok(other.lease.token > unheard.lease.token);
    assert.equal((await server.tell(unheard, 1, [preparing(unheard)])).kind, 'lost');
    assert.equal((await server.tell(other, 1, [preparing(other), startedNow(other), passed(other)])).kind, 'held');
    assert.equal((await server.tell(build, 2, [passed(build)])).kind, 'held');
    assert.equal((await server.state(run))?.outcome, 'passed');
  });

  it('waits for a worker that had let go and was cut off, and lets it go on when it is back in time (atk-73)', async () => {
    const server = await serve();
    const { run, build } = await begun(server, 2);
    await server.tell(build, 1, [preparing(build), startedNow(build)]);
    await server.clock.advance(lease);
    assert.equal((await kinds(server, run)).at(-1), 'stage.lost');
    await server.clock.advance(grace - 1);
    assert.deepEqual(await server.claim('w2'), []);
    assert.equal((await server.tell(build, 2, [passed(build)])).kind, 'held');
    assert.deepEqual((await kinds(server, run)).slice(-4), ['stage.lost', 'stage.found', 'stage.finished', 'run.finished']);
  });

  it('gives up a worker that stays away: the attempt has errored, and its retry begins no sooner (atk-73)', async () => {
    const server = await serve();
    const { run, build } = await begun(server, 2);
    await server.tell(build, 1, [preparing(build), startedNow(build)]);
    const from = server.clock.now();
    await server.clock.advance(lease + grace);
    const [again] = await server.claim('w2');
    assert.equal(again?.lease.item, `${run}/build/2`);
    const lost = (await server.events(run)).find((event) => event.kind === 'stage.finished');
    assert.ok(lost?.kind === 'stage.finished' && lost.cause?.kind === 'error');
    assert.deepEqual([lost.outcome, lost.cause.code, lost.at - from], ['errored', 'WORKER_LOST', lease + grace]);
    assert.equal((await server.tell(build, 2, [failed(build)])).kind, 'lost');
  });

  it('renews with each report, and counts what passes in the process, not what a clock that jumps says (atk-72)', async () => {
    const server = served();
    let jump = 0;
    const clock = { now: () => server.clock.now() + jump, after: server.clock.after };
    const jumping = await serve({ clock, ...server.store });
    const run = await jumping.plan(planOf([stageOf('build')]));
    const [build] = (await server.clock.advance(0), await settled(server, jumping.dispatcher.claim(claimOf('w1'), jumping.signal())))
      .claimed;
    assert.ok(build);
    const tell = (sequence: number, facts: readonly ReturnType<typeof passed>[]) =>
      settled(
        server,
        jumping.dispatcher.report({ worker: 'w1', waitMs: 0, items: [{ ...itemOf(build), sequence, facts }] }, jumping.signal()),
      );
    await tell(1, [preparing(build), startedNow(build)]);
    for (const by of [3_600_000, -3_600_000]) {
      jump += by;
      await server.clock.advance(lease - 1);
      assert.equal((await tell(0, [])).items[0]?.kind, 'held');
    }
    assert.ok(!(await kinds(server, run)).includes('stage.lost'));
    jump -= 7_200_000;
    await server.clock.advance(lease);
    assert.equal((await kinds(server, run)).at(-1), 'stage.lost');
  });

  it('takes back what a worker is certain that it did not let go', async () => {
    const server = await serve();
    const { run, build } = await begun(server);
    await server.tell(build, 1, [preparing(build)]);
    const answer = await server.dispatcher.report(
      { worker: 'w1', waitMs: 0, items: [{ ...itemOf(build), sequence: 0, facts: [], giveBack: true }] },
      server.signal(),
    );
    assert.equal(answer.items[0]?.kind, 'held');
    assert.deepEqual(
      (await server.claim('w2')).map((claimed) => claimed.lease.item),
      [`${run}/build/1`],
    );
  });

  it('gives a claim back at once whose worker hung up before it was answered', async () => {
    const server = served();
    const gone = new AbortController();
    const queue: typeof server.store.queue = {
      ...server.store.queue,
      claim: async (...given) => {
        const items = await server.store.queue.claim(...given);
        if (items.some(({ claim }) => claim?.worker === 'w1')) gone.abort();
        return items;
      },
    };
    const hanging = await serve({ ...server.store, queue });
    const run = await hanging.plan(planOf([stageOf('build')]));
    const answer = await hanging.dispatcher.claim(claimOf('w1'), gone.signal);
    assert.deepEqual(answer.claimed, []);
    await hanging.clock.advance(0);
    assert.deepEqual(
      (await hanging.claim('w2')).map((claimed) => claimed.lease.item),
      [`${run}/build/1`],
    );
  });

  it('gives a worker that begins anew what it still holds, with what was recorded of it, under new tokens', async () => {
    const server = await serve();
    const { run, build } = await begun(server);
    await server.tell(build, 1, [preparing(build), startedNow(build)]);
    await server.clock.advance(lease + 1000);
    const [again, ...more] = await server.claim('w1', { fresh: true });
    assert.deepEqual(more, []);
    assert.ok(again?.started && again.lease.token > build.lease.token);
    assert.equal(again.started.container, 'c');
    assert.equal((await server.tell(build, 2, [passed(build)])).kind, 'lost');
    assert.equal((await server.tell(again, 1, [passed(again)])).kind, 'held');
    assert.deepEqual((await kinds(server, run)).slice(-4), ['stage.lost', 'stage.found', 'stage.finished', 'run.finished']);
  });

  it('hands each item to one worker, also when another server takes over with items pending (R-CIO-04)', async () => {
    const server = await serve();
    const run = await server.plan(planOf(['a', 'b', 'c', 'd', 'e'].map((name) => stageOf(name))));
    const before = await server.claim('w1', { slots: 2 });
    for (const claimed of before) await server.tell(claimed, 1, [preparing(claimed), startedNow(claimed)]);
    await server.restart();
    const after = [...(await server.claim('w1', { slots: 2 })), ...(await server.claim('w2', { slots: 9 }))];
    assert.equal(new Set([...before, ...after].map((claimed) => claimed.lease.item)).size, 5);
    for (const claimed of before) assert.equal((await server.tell(claimed, 2, [passed(claimed)])).kind, 'held');
    for (const claimed of after) {
      const worker = after.indexOf(claimed) < 2 ? 'w1' : 'w2';
      await server.tell(claimed, 1, [preparing(claimed), startedNow(claimed), passed(claimed)], worker);
    }
    assert.equal((await server.state(run))?.outcome, 'passed');
    assert.equal((await kinds(server, run)).filter((kind) => kind === 'stage.started').length, 5);
  });

  it('gives workers a whole lease to come back in when the server was away for an hour', async () => {
    const server = await serve();
    const { run, build } = await begun(server);
    await server.tell(build, 1, [preparing(build), startedNow(build)]);
    server.end();
    await server.clock.advance(3_600_000);
    await server.restart();
    await server.clock.advance(lease - 1);
    assert.equal((await server.tell(build, 2, [passed(build)])).kind, 'held');
    assert.ok(!(await kinds(server, run)).includes('stage.lost'));
  });

  it('finds claims again that the store had made when its answer was lost', async () => {
    const server = served();
    let loses = true;
    const queue: typeof server.store.queue = {
      ...server.store.queue,
      claim: async (...given) => {
        const items = await server.store.queue.claim(...given);
        if (loses && items.length > 0) {
          loses = false;
          throw new Error('the answer was lost');
        }
        return items;
      },
    };
    const shaky = await serve({ ...server.store, queue });
    const run = await shaky.plan(planOf([stageOf('build')]));
    await assert.rejects(shaky.claim('w1'));
    await shaky.clock.advance(4 * lease);
    assert.deepEqual(
      (await shaky.claim('w2')).map((claimed) => claimed.lease.item),
      [`${run}/build/1`],
    );
  });
});

const claimOf = (worker: string) => ({ worker, labels: [], slots: 5, waitMs: 0, fresh: false });
const itemOf = ({ lease: { item, token } }: Claimed) => ({ item, token });
const settled = async <T>(server: Server, promise: Promise<T>): Promise<T> => {
  await server.clock.advance(0);
  return promise;
};

import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { Claimed, WorkerFact } from '../../api/worker-protocol.ts';
import { cancelRun } from './requests.ts';
import { passed, planOf, preparing, served, stageOf, startedNow } from './testing/served.ts';
import { defaultLimits } from './dispatcher-deps.ts';

const ends: (() => void)[] = [];
const serve = async () => {
  const server = served();
  ends.push(server.end);
  await server.start();
  return server;
};
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const cancelled = ({ lease }: Claimed): WorkerFact => ({
  kind: 'stage.finished',
  stage: lease.item.split('/')[1] ?? '',
  attempt: 1,
  outcome: 'cancelled',
  cause: { kind: 'cancelled' },
});

describe('a cancel', () => {
  it('takes what is queued out of the queue, tells what runs, and still runs what is to run always (atk-76)', async () => {
    const server = await serve();
    const run = await server.plan(
      planOf([
        stageOf('build'),
        stageOf('other'),
        stageOf('sweep', [], { needs: [{ node: 'build', on: 'finished' }], always: true }),
        stageOf('next', ['build']),
      ]),
    );
    const [build] = await server.claim('w1', { slots: 1 });
    assert.ok(build);
    await server.tell(build, 1, [preparing(build), startedNow(build)]);
    await server.dispatcher.report(run, cancelRun('eve', false));
    assert.deepEqual(await server.claim('w2'), []);
    const answer = await server.tell(build, 0, []);
    assert.equal(answer.kind === 'held' && answer.cancel, 'stop');
    await server.tell(build, 2, [cancelled(build)]);
    const [sweep, ...more] = await server.claim('w2');
    assert.deepEqual(more, []);
    assert.deepEqual([sweep?.lease.item, sweep?.cancel], [`${run}/sweep/1`, 'no']);
    assert.ok(sweep);
    await server.tell(sweep, 1, [preparing(sweep), startedNow(sweep), passed(sweep)], 'w2');
    assert.deepEqual(await server.outcomes(run), { build: 'cancelled', other: 'cancelled', sweep: 'passed', next: 'skipped' });
    assert.equal((await server.state(run))?.outcome, 'cancelled');
    assert.deepEqual(await server.store.queue.list(), []);
  });

  it('by force also ends a clean-up that hangs; asked for again it says nothing new (atk-76)', async () => {
    const server = await serve();
    const run = await server.plan(planOf([stageOf('sweep', [], { always: true })]));
    const [sweep] = await server.claim();
    assert.ok(sweep);
    await server.tell(sweep, 1, [preparing(sweep), startedNow(sweep)]);
    for (const force of [false, false, true, true, false]) await server.dispatcher.report(run, cancelRun('eve', force));
    const asked = (await server.events(run)).flatMap((event) => (event.kind === 'run.cancel-requested' ? [event.force] : []));
    assert.deepEqual(asked, [false, true]);
    const answer = await server.tell(sweep, 0, []);
    assert.equal(answer.kind === 'held' && answer.cancel, 'force');
  });

  it('ends what a worker has claimed and not begun: it cannot let it go any more', async () => {
    const server = await serve();
    const run = await server.plan(planOf([stageOf('build')]));
    const [build] = await server.claim();
    assert.ok(build);
    await server.dispatcher.report(run, cancelRun('eve', false));
    assert.equal((await server.tell(build, 1, [preparing(build), startedNow(build)])).kind, 'lost');
    assert.equal((await server.state(run))?.outcome, 'cancelled');
  });

  it('ends what comes back into the queue after it', async () => {
    const server = await serve();
    const run = await server.plan(planOf([stageOf('build')]));
    const [build] = await server.claim();
    assert.ok(build);
    await server.tell(build, 1, [preparing(build)]);
    await server.dispatcher.report(run, cancelRun('eve', false));
    assert.equal((await server.state(run))?.phase, 'running');
    await server.clock.advance(defaultLimits.leaseMs);
    assert.deepEqual([(await server.state(run))?.outcome, await server.store.queue.list()], ['cancelled', []]);
  });

  it('is told with what is claimed after it', async () => {
    const server = await serve();
    const run = await server.plan(planOf([stageOf('build')]));
    const [build] = await server.claim();
    assert.ok(build);
    await server.tell(build, 1, [preparing(build), startedNow(build)]);
    await server.dispatcher.report(run, cancelRun('eve', false));
    const [again] = await server.claim('w1', { fresh: true });
    assert.equal(again?.cancel, 'stop');
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WorkerFact } from '../../api/worker-protocol.ts';
import { StoreError } from '../../store/store-error.ts';
import { cancelRun, rerun } from './requests.ts';
import { digest, failed, passed, planOf, plannedFacts, preparing, serve, served, stageOf, startedNow } from './testing/served.ts';

describe('the dispatcher', () => {
  it('carries a run from its plan to its end by what workers claim and report', async () => {
    const server = await serve();
    const run = await server.plan(planOf([stageOf('build'), stageOf('test', ['build'])]));
    const [build, ...more] = await server.claim();
    assert.ok(build);
    assert.deepEqual(more, []);
    assert.equal(build.lease.item, `${run}/build/1`);
    assert.equal((await server.tell(build, 1, [preparing(build), startedNow(build)])).kind, 'held');
    assert.equal((await server.tell(build, 2, [passed(build)])).kind, 'held');
    const [test] = await server.claim();
    assert.ok(test);
    await server.tell(test, 1, [preparing(test), startedNow(test), passed(test)]);
    const state = await server.state(run);
    assert.deepEqual([state?.phase, state?.outcome], ['finished', 'passed']);
    assert.deepEqual(await server.store.queue.list(), []);
    const [row] = await server.store.runs.list({ run, limit: 1 });
    assert.deepEqual([row?.phase, row?.outcome, row?.commit, row?.branch], ['finished', 'passed', 'c0ffee', 'main']);
  });

  it('has the containers of all projects in one queue, and gives workers nothing that is not in it (R-CIO-03)', async () => {
    const server = await serve();
    const runs = [
      await server.plan(planOf([stageOf('build'), stageOf('test')])),
      await server.plan({ ...planOf([stageOf('s1')]), pipeline: 'wercker' }, { project: 'other/shop' }),
    ];
    const listed = (await server.store.queue.list()).map(({ id }) => id).sort();
    assert.deepEqual(listed, [`${runs[0]}/build/1`, `${runs[0]}/test/1`, `${runs[1]}/s1/1`]);
    assert.deepEqual((await server.claim()).map(({ lease }) => lease.item).sort(), listed);
    assert.deepEqual(await server.claim('w2'), []);
  });

  it('that is stopped while it takes up runs leaves nothing that waits, so that its process can end', async () => {
    const server = served();
    const stop = new AbortController();
    const starting = server.dispatcher.start(stop.signal);
    stop.abort();
    await starting;
    assert.equal(server.clock.pending(), 0);
  });

  it('that is stopped while a worker claims leaves nothing that waits either, and the worker is answered', async () => {
    const server = served();
    const stop = new AbortController();
    const queue: typeof server.store.queue = {
      ...server.store.queue,
      claim: async (...given) => {
        const items = await server.store.queue.claim(...given);
        if (items.length > 0) stop.abort();
        return items;
      },
    };
    const stopped = served({ ...server.store, queue });
    await stopped.dispatcher.start(stop.signal);
    await stopped.plan(planOf([stageOf('build')]));
    await stopped.claim();
    assert.ok(stop.signal.aborted);
    assert.equal(stopped.clock.pending(), 0);
  });

  it('tells listeners what is durable, in its order, with the state of that moment', async () => {
    const server = await serve();
    const seen: (readonly [number, number])[] = [];
    server.dispatcher.watch(undefined, (events, state) => {
      for (const event of events) seen.push([event.seq, state.lastSeq]);
    });
    const run = await server.plan(planOf([stageOf('build')]));
    const stored = await server.events(run);
    assert.deepEqual(
      seen.map(([seq]) => seq),
      stored.map(({ seq }) => seq),
    );
    assert.deepEqual(seen[0], [1, 1]);
    assert.deepEqual(seen.at(-1), [stored.length, stored.length]);
  });

  it('reads a run from the store once, however long it becomes', async () => {
    const server = served();
    const reads: number[] = [];
    const runs = {
      ...server.store.runs,
      events: async (run: string, after: number) => (reads.push(after), server.store.runs.events(run, after)),
    };
    const counted = await serve({ ...server.store, runs });
    const run = await counted.plan(planOf([stageOf('build')]));
    const [build] = await counted.claim();
    assert.ok(build);
    await counted.tell(build, 1, [preparing(build), startedNow(build)]);
    const before = reads.length;
    for (let sequence = 2; sequence < 50; sequence++) {
      await counted.tell(build, sequence, [{ kind: 'stage.noted', stage: 'build', attempt: 1, text: `line ${sequence}` }]);
    }
    assert.equal(reads.length, before);
    assert.equal((await server.store.runs.events(run, 0)).filter(({ kind }) => kind === 'stage.noted').length, 48);
  });

  it('begins again with the newest events when another was faster', async () => {
    const server = served();
    let meddle = async (): Promise<void> => {};
    const runs: typeof server.store.runs = {
      ...server.store.runs,
      append: async (change) => {
        await meddle();
        return server.store.runs.append(change);
      },
    };
    const slow = await serve({ ...server.store, runs });
    const run = await slow.plan(planOf([stageOf('build')]));
    meddle = async () => {
      meddle = async () => {};
      await server.dispatcher.report(run, () => [{ kind: 'run.noted', text: 'faster' }]);
    };
    const asked: number[] = [];
    await slow.dispatcher.report(run, (state) => {
      asked.push(state.lastSeq);
      return [{ kind: 'run.noted', text: 'slower' }];
    });
    const events = await slow.events(run);
    assert.deepEqual(asked, [events.length - 2, events.length - 1]);
    assert.deepEqual(
      events.map(({ seq }) => seq),
      events.map((_, index) => index + 1),
    );
    assert.deepEqual(
      events.slice(-2).map((event) => event.kind === 'run.noted' && event.text),
      ['faster', 'slower'],
    );
  });

  it('makes one run of two requests that say they are the same (R-DCK-88)', async () => {
    const server = await serve();
    const wanted = {
      project: 'acme/app',
      pipeline: 'cion',
      trigger: { kind: 'pipeline', by: 'cion', pipeline: 'acme/lib', run: 'run_9' },
      once: 'pipeline/run_9',
    } as const;
    const both = await Promise.all([server.dispatcher.create(wanted), server.dispatcher.create(wanted)]);
    assert.deepEqual(both.map(({ kind }) => kind).sort(), ['created', 'exists']);
    assert.equal(both[0]?.run, both[1]?.run);
    assert.equal((await server.store.runs.list({ limit: 9 })).length, 1);
  });

  it('says of a run that is not there that it is unknown', async () => {
    const server = await serve();
    assert.equal(await server.dispatcher.state('run_none'), undefined);
    await assert.rejects(
      server.dispatcher.report('run_none', () => []),
      { code: 'RUN_UNKNOWN' },
    );
  });

  it('ends a run whose files cannot be had, and one that was cancelled before it had a plan, and takes nothing more about them', async () => {
    const server = await serve();
    const make = async () =>
      (await server.dispatcher.create({ project: 'acme/app', pipeline: 'cion', trigger: { kind: 'manual', by: 'eve' } })).run;
    const broken = await make();
    await server.dispatcher.report(broken, () => [
      { kind: 'fetch.started' },
      { kind: 'fetch.failed', outcome: 'failed', message: 'no such commit', problems: [] },
    ]);
    assert.equal((await server.state(broken))?.outcome, 'failed');
    const cancelled = await make();
    await server.dispatcher.report(cancelled, cancelRun('eve', false));
    await server.dispatcher.report(cancelled, () => plannedFacts(planOf([stageOf('build')])));
    await server.dispatcher.report(cancelled, () => [{ kind: 'run.rerun', stages: [], trigger: { kind: 'manual', by: 'eve' } }]);
    assert.equal((await server.state(cancelled))?.outcome, 'cancelled');
    assert.deepEqual(await server.store.queue.list(), []);
  });

  it('records another attempt of the same run when stages are asked for again (R-CIO-33)', async () => {
    const server = await serve();
    const run = await server.plan(planOf([stageOf('build')]));
    const [first] = await server.claim();
    assert.ok(first);
    await server.tell(first, 1, [preparing(first), startedNow(first), failed(first)]);
    assert.equal((await server.state(run))?.outcome, 'failed');
    await server.dispatcher.report(run, rerun('failed', { kind: 'manual', by: 'eve' }));
    const [again] = await server.claim();
    assert.equal(again?.lease.item, `${run}/build/2`);
    assert.ok(again);
    await server.tell(again, 1, [preparing(again), startedNow(again), passed(again)]);
    const state = await server.state(run);
    assert.deepEqual([state?.outcome, state?.number], ['passed', 1]);
  });

  it('shows the state of each stage while the run is under way (R-CIO-16)', async () => {
    const server = await serve();
    const run = await server.plan(planOf([stageOf('a'), stageOf('b', ['a']), stageOf('c'), stageOf('d', ['c'])]));
    const claimed = await server.claim('w1', { slots: 1 });
    const [a] = claimed;
    assert.ok(a);
    await server.tell(a, 1, [preparing(a), startedNow(a)]);
    const [c] = await server.claim('w1', { slots: 1 });
    assert.ok(c);
    await server.tell(c, 1, [preparing(c), startedNow(c), failed(c)]);
    const state = await server.dispatcher.state(run);
    assert.deepEqual(
      [...(state?.nodes.values() ?? [])].map(({ name, phase, outcome }) => `${name} ${outcome ?? phase}`),
      ['a running', 'b waiting', 'c failed', 'd skipped'],
    );
    const started = state?.nodes.get('a');
    assert.equal(started?.kind === 'stage' && started.attempts[0]?.startedAt, server.clock.now());
  });

  it('goes on when the store was away for a while, and takes what is told again once', async () => {
    const server = served();
    let isAway: 'no' | 'before' | 'after' = 'no';
    const runs: typeof server.store.runs = {
      ...server.store.runs,
      append: async (change) => {
        const was = isAway;
        isAway = 'no';
        if (was === 'before') throw new StoreError('STORE_UNAVAILABLE', 'away');
        const answer = await server.store.runs.append(change);
        if (was === 'after') throw new StoreError('STORE_UNAVAILABLE', 'the answer was lost');
        return answer;
      },
    };
    const shaky = await serve({ ...server.store, runs });
    const run = await shaky.plan(planOf([stageOf('build')]));
    const [build] = await shaky.claim();
    assert.ok(build);
    for (const [sequence, away] of [
      [1, 'before'],
      [2, 'after'],
    ] as const) {
      isAway = away;
      const facts: readonly WorkerFact[] = sequence === 1 ? [preparing(build)] : [startedNow(build)];
      await assert.rejects(shaky.tell(build, sequence, facts), { code: 'STORE_UNAVAILABLE' });
      assert.equal((await shaky.tell(build, sequence, facts)).kind, 'held');
    }
    await shaky.tell(build, 3, [passed(build)]);
    const kinds = (await shaky.events(run)).map(({ kind }) => kind);
    for (const kind of ['stage.preparing', 'stage.started', 'stage.finished'])
      assert.equal(kinds.filter((each) => each === kind).length, 1, kind);
  });

  it('records what a passed stage deployed, and lets one at a time deploy to an environment', async () => {
    const server = await serve();
    const deploy = planOf([stageOf('ship', [], { deploys: { environment: 'production' } })]);
    const runs = [await server.plan(deploy), await server.plan(deploy)];
    const claimed = await server.claim();
    assert.equal(claimed.length, 1);
    const [ship] = claimed;
    assert.ok(ship);
    assert.deepEqual(await server.claim('w2'), []);
    const waiting = server.dispatcher.claim({ worker: 'w2', slots: 1, labels: [], waitMs: 10_000, fresh: false }, server.signal());
    await server.tell(ship, 1, [
      preparing(ship),
      { kind: 'image.resolved', stage: 'ship', attempt: 1, reference: 'busybox:1', digest: digest('a'), pulled: false },
      startedNow(ship),
      passed(ship),
    ]);
    assert.deepEqual(
      (await waiting).claimed.map(({ lease }) => lease.item),
      [`${runs[1]}/ship/1`],
    );
    const [deployed] = await server.store.runs.deployments({ project: 'acme/app', environment: 'production', limit: 5 });
    assert.deepEqual([deployed?.run, deployed?.commit, deployed?.image.digest], [runs[0], 'c0ffee', digest('a')]);
  });

  it('lets a project have as many attempts at a time as it was allowed', async () => {
    const server = await serve({ policy: { limit: 2 } });
    await server.plan(planOf([stageOf('a'), stageOf('b'), stageOf('c')]));
    assert.equal((await server.claim()).length, 2);
  });
});

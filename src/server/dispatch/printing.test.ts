import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { planDigest } from '../../plan/digest.ts';
import { withPrinting } from '../../plan/printing.ts';
import { cancelRun } from './requests.ts';
import { defaultLimits } from './dispatcher-deps.ts';
import { passed, planOf, plannedFacts, preparing, serve, stageOf, startedNow } from './testing/served.ts';

describe('what prints the plan of a run', () => {
  const source = plannedFacts(planOf([])).slice(0, 3);
  const one = withPrinting(undefined, ['acme/one', 'acme/two']);
  const more = withPrinting(one, ['acme/two', 'acme/three']);

  const printing = async (server: Awaited<ReturnType<typeof serve>>) => {
    const { run } = await server.dispatcher.create({ project: 'acme/app', pipeline: '', trigger: { kind: 'manual', by: 'eve' } });
    await server.dispatcher.report(run, () => [...source, { kind: 'run.printing', plan: one }]);
    return run;
  };
  const kindsOf = async (server: Awaited<ReturnType<typeof serve>>, run: string) =>
    (await server.events(run)).map((event) => ('stage' in event ? `${event.kind} ${event.stage}` : event.kind));

  it('is one stage for each image; those of before stay what they are when more come (R-DCK-55)', () => {
    assert.deepEqual(
      one.nodes.map(({ name }) => name),
      ['fetch.1', 'fetch.2'],
    );
    assert.deepEqual(more.nodes.slice(0, 2), one.nodes);
    assert.deepEqual(
      more.nodes.slice(2).map((node) => node.kind === 'stage' && [node.name, node.image]),
      [['fetch.3', { kind: 'reference', reference: 'acme/three' }]],
    );
  });

  it('is queued before there is a plan, does not end the run with its own end, and stays among its stages', async () => {
    const server = await serve();
    const run = await printing(server);
    const claimed = await server.claim();
    assert.deepEqual(
      claimed.map(({ lease, isAsked }) => [lease.item, isAsked]),
      [
        [`${run}/fetch.1/1`, true],
        [`${run}/fetch.2/1`, true],
      ],
    );
    for (const each of claimed) await server.tell(each, 1, [preparing(each), startedNow(each), passed(each)]);
    const between = await server.state(run);
    assert.deepEqual([between?.phase, between?.openNodes, between?.plan], ['running', 0, undefined]);
    await server.dispatcher.report(run, () => [{ kind: 'run.printing', plan: more }]);
    const [third, ...none] = await server.claim();
    assert.deepEqual([third?.work.stage.name, none], ['fetch.3', []]);
    if (third !== undefined) await server.tell(third, 1, [passed(third)]);
    const plan = planOf([stageOf('build')]);
    await server.dispatcher.report(run, () => [{ kind: 'run.planned', plan, digest: planDigest(plan) }]);
    const [build] = await server.claim();
    assert.equal(build?.lease.item, `${run}/build/1`);
    if (build !== undefined) await server.tell(build, 1, [passed(build)]);
    assert.deepEqual(await server.outcomes(run), { 'fetch.1': 'passed', 'fetch.2': 'passed', 'fetch.3': 'passed', build: 'passed' });
    const state = await server.state(run);
    assert.deepEqual([state?.outcome, state?.digest], ['passed', planDigest(plan)]);
    assert.deepEqual(await server.store.queue.list(), []);
  });

  it('whose worker is gone is run by another: the same attempt where it was never let go, else the next', async () => {
    const server = await serve();
    const run = await printing(server);
    const [idle, begun] = await server.claim('w1');
    if (begun !== undefined) await server.tell(begun, 1, [preparing(begun), startedNow(begun)]);
    await server.restart();
    await server.clock.advance(defaultLimits.leaseMs);
    const [again, ...none] = await server.claim('w2');
    assert.deepEqual([again?.lease.item, none], [idle?.lease.item, []]);
    if (again !== undefined) await server.tell(again, 1, [passed(again)], 'w2');
    assert.deepEqual(
      (await kindsOf(server, run)).slice(-4),
      ['stage.returned fetch.1', 'stage.lost fetch.2', 'stage.finished fetch.1'].toSpliced(0, 0, 'stage.started fetch.2'),
    );
    await server.clock.advance(defaultLimits.graceMs);
    assert.deepEqual(
      (await server.claim('w2')).map(({ lease }) => lease.item),
      [`${run}/fetch.2/2`],
    );
  });

  it('is withdrawn when the run is cancelled, which ends with what has not been let go', async () => {
    const server = await serve();
    const run = await printing(server);
    const state = await server.dispatcher.report(run, cancelRun('eve', false));
    assert.deepEqual([state.phase, state.outcome, state.openNodes], ['finished', 'cancelled', 0]);
    assert.deepEqual(await server.claim(), []);
    assert.deepEqual(await server.store.queue.list(), []);
  });

  it('that failed leaves it to who compiles to end the run', async () => {
    const server = await serve();
    const run = await printing(server);
    for (const each of await server.claim()) {
      const about = { stage: each.work.stage.name, attempt: 1 };
      await server.tell(each, 1, [{ kind: 'stage.finished', ...about, outcome: 'failed', cause: { kind: 'exit', code: 1 } }]);
    }
    assert.deepEqual([(await server.state(run))?.phase, await server.claim()], ['running', []]);
    const failed = { kind: 'fetch.failed', outcome: 'failed', message: 'no', problems: [] } as const;
    assert.equal((await server.dispatcher.report(run, () => [failed])).outcome, 'failed');
  });
});

import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { planDigest } from '../../plan/digest.ts';
import type { Plan } from '../../plan/plan.ts';
import { cancelRun, decideGate } from './requests.ts';
import { gateOf, passed, planOf, plannedFacts, preparing, served, stageOf, startedNow } from './testing/served.ts';

const ends: (() => void)[] = [];
const serve = async () => {
  const server = served();
  ends.push(server.end);
  await server.start();
  return server;
};
type Server = Awaited<ReturnType<typeof serve>>;
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const asked = planOf([gateOf('ask'), stageOf('ship', ['ask'])]);
const approve = (plan: Plan, by = 'eve') => decideGate('ask', planDigest(plan), { kind: 'approved', by, at: 1 });
const decision = async (server: Server, run: string, name = 'ask') => {
  const gate = (await server.state(run))?.nodes.get(name);
  return gate?.kind === 'gate' ? gate.decision : undefined;
};
const pass = async (server: Server) => {
  for (const claimed of await server.claim()) await server.tell(claimed, 1, [preparing(claimed), startedNow(claimed), passed(claimed)]);
};

describe('gates on a server', () => {
  it('lets nothing run before a person has decided, and shows the run as waiting (R-DCO-35)', async () => {
    const server = await serve();
    const run = await server.plan(asked);
    assert.deepEqual(await server.claim(), []);
    const [row] = await server.store.runs.list({ run, limit: 1 });
    assert.equal(row?.phase, 'waiting');
  });

  it('goes on when somebody approves, and records who and when; a later decision changes nothing (R-DCO-36, atk-12)', async () => {
    const server = await serve();
    const run = await server.plan(asked);
    await server.dispatcher.report(run, approve(asked));
    assert.deepEqual(await decision(server, run), { kind: 'approved', by: 'eve', at: 1 });
    await server.dispatcher.report(run, () => [
      { kind: 'gate.decided', gate: 'ask', decision: { kind: 'rejected', by: 'mallory', at: 2 } },
    ]);
    await assert.rejects(server.dispatcher.report(run, approve(asked, 'mallory')), {
      code: 'GATE_CLOSED',
      message: 'The gate "ask" was already decided: approved by eve, at 1970-01-01T00:00:00.001Z.',
    });
    assert.equal((await decision(server, run))?.by, 'eve');
    await pass(server);
    assert.equal((await server.state(run))?.outcome, 'passed');
  });

  it('that wait for a pipeline are not opened by a fork that calls its own so, before or after (atk-13)', async () => {
    const server = await serve();
    const waits = planOf([gateOf('ask', [], { waitsFor: { kind: 'pipeline', pipeline: 'cion' } }), stageOf('ship', ['ask'])]);
    const green = planOf([stageOf('build')]);
    const forked = async () => {
      await server.clock.advance(1);
      const trigger = { kind: 'pull-request', by: 'eve', number: 7, ref: 'refs/pull/7/head', fork: true } as const;
      const { run } = await server.dispatcher.create({ project: 'acme/app', pipeline: 'cion', trigger });
      await server.dispatcher.report(run, () => plannedFacts(green));
      await pass(server);
      assert.equal((await server.state(run))?.outcome, 'passed');
    };
    const run = await server.plan(waits);
    await forked();
    assert.equal(await decision(server, run), undefined);
    await server.restart();
    assert.equal(await decision(server, run), undefined);
    const after = planOf([stageOf('first'), gateOf('ask', ['first'], { waitsFor: { kind: 'pipeline', pipeline: 'cion' } })]);
    const later = await server.plan(after);
    const [first] = await server.claim();
    assert.ok(first);
    await server.tell(first, 1, [preparing(first), startedNow(first)]);
    await forked();
    await server.tell(first, 2, [passed(first)]);
    assert.equal(await decision(server, later), undefined);
    await server.plan(green);
    await pass(server);
    assert.equal((await decision(server, run))?.kind, 'approved');
    assert.equal((await decision(server, later))?.kind, 'approved');
  });

  it('can be refused, and its time can be over, also while no server was there (R-DCO-37)', async () => {
    const server = await serve();
    const refused = await server.plan(asked);
    await server.dispatcher.report(refused, decideGate('ask', planDigest(asked), { kind: 'rejected', by: 'eve', at: 1 }));
    assert.deepEqual(await server.outcomes(refused), { ask: 'failed', ship: 'skipped' });
    const timed = planOf([gateOf('ask', [], { timeoutMs: 1000 }), stageOf('ship', ['ask'])]);
    const expired = await server.plan(timed);
    await server.clock.advance(999);
    assert.equal(await decision(server, expired), undefined);
    await server.clock.advance(1);
    assert.equal((await decision(server, expired))?.kind, 'expired');
    const later = await server.plan(timed);
    server.end();
    await server.clock.advance(5000);
    await server.restart();
    assert.equal((await decision(server, later))?.kind, 'expired');
  });

  it('takes no decision about another plan than the one that was shown (atk-10)', async () => {
    const server = await serve();
    const run = await server.plan(asked);
    const other = planOf([gateOf('ask'), stageOf('ship', ['ask'], { env: { TARGET: { kind: 'literal', value: 'production' } } })]);
    await assert.rejects(server.dispatcher.report(run, approve(other)), { code: 'GATE_CHANGED' });
    assert.equal(await decision(server, run), undefined);
    await assert.rejects(server.dispatcher.report(run, decideGate('none', planDigest(asked), { kind: 'approved', by: 'eve', at: 1 })), {
      code: 'GATE_UNKNOWN',
    });
  });

  it('does not open any more when the run is cancelled while it waits (atk-76)', async () => {
    const server = await serve();
    const run = await server.plan(asked);
    await server.dispatcher.report(run, cancelRun('eve', false));
    await assert.rejects(server.dispatcher.report(run, approve(asked)), { code: 'GATE_CLOSED' });
    assert.deepEqual(await server.outcomes(run), { ask: 'skipped', ship: 'skipped' });
    assert.equal((await server.state(run))?.outcome, 'cancelled');
    const length = (await server.events(run)).length;
    await server.dispatcher.report(run, cancelRun('eve', true));
    assert.equal((await server.events(run)).length, length);
  });

  it('opens when a run of the other pipeline passes after this one began, once, and not by one that passed before (R-DCK-64)', async () => {
    const server = await serve();
    const lib = planOf([stageOf('build')]);
    const waiting = planOf([gateOf('ask', [], { waitsFor: { kind: 'pipeline', pipeline: 'acme/lib' } })]);
    const make = async (plan: Plan, project: string, only?: readonly string[]) =>
      server.plan(plan, { project, ...(only === undefined ? {} : { only }) });
    await make(lib, 'acme/lib');
    await pass(server);
    await server.clock.advance(10);
    const run = await make(waiting, 'acme/app');
    assert.equal(await decision(server, run), undefined);
    await make(planOf([stageOf('build'), stageOf('more')]), 'acme/lib', ['build']);
    await make(lib, 'acme/other');
    await pass(server);
    await server.clock.advance(10);
    assert.equal(await decision(server, run), undefined);
    await make(lib, 'acme/lib');
    await pass(server);
    await server.clock.advance(10);
    assert.deepEqual(await decision(server, run), { kind: 'approved', by: 'pipeline acme/lib, run 3', at: server.clock.now() - 10 });
    assert.equal((await server.events(run)).filter(({ kind }) => kind === 'gate.decided').length, 1);
  });

  it('opens by what passed between the beginning of the run and the opening of its gate, by name of a pipeline of its own project too', async () => {
    const server = await serve();
    const late = planOf([stageOf('first'), gateOf('ask', ['first'], { waitsFor: { kind: 'pipeline', pipeline: 'nightly' } })]);
    const run = await server.plan(late);
    const [first] = await server.claim();
    assert.ok(first);
    await server.clock.advance(5);
    for (const project of ['acme/app', 'acme/other']) {
      await server.plan({ ...planOf([stageOf('build')]), pipeline: 'nightly' }, { project });
    }
    await pass(server);
    await server.restart();
    const [again] = await server.claim('w1', { fresh: true });
    assert.ok(again);
    await server.tell(again, 1, [preparing(again), startedNow(again), passed(again)]);
    await server.clock.advance(10);
    assert.equal((await decision(server, run))?.by, 'pipeline nightly, run 2');
  });

  it('opens by a pipeline of a project in a group of groups, and by no other of its groups (R-DCK-64)', async () => {
    const server = await serve();
    const waitsFor = (pipeline: string) => planOf([gateOf('ask', [], { waitsFor: { kind: 'pipeline', pipeline } })]);
    const any = await server.plan(waitsFor('acme/tools/lib'));
    const one = await server.plan(waitsFor('acme/tools/lib/nightly'));
    const pass1 = async (project: string, pipeline: string) => {
      await server.plan({ ...planOf([stageOf('build')]), pipeline }, { project });
      await pass(server);
      await server.clock.advance(10);
    };
    await pass1('acme/tools', 'nightly');
    await pass1('tools/lib', 'nightly');
    assert.deepEqual([await decision(server, any), await decision(server, one)], [undefined, undefined]);
    await pass1('acme/tools/lib', 'cion');
    assert.deepEqual([(await decision(server, any))?.kind, await decision(server, one)], ['approved', undefined]);
    await pass1('acme/tools/lib', 'nightly');
    assert.equal((await decision(server, one))?.by, 'pipeline acme/tools/lib/nightly, run 2');
  });

  it('keeps waiting while the other pipeline does not pass', async () => {
    const server = await serve();
    const run = await server.plan(planOf([gateOf('ask', [], { waitsFor: { kind: 'pipeline', pipeline: 'acme/lib/cion' } })]));
    const { run: other } = await server.dispatcher.create({
      project: 'acme/lib',
      pipeline: 'cion',
      trigger: { kind: 'manual', by: 'eve' },
    });
    await server.dispatcher.report(other, () => plannedFacts(planOf([stageOf('build')])));
    await server.dispatcher.report(other, cancelRun('eve', false));
    await server.clock.advance(10);
    assert.equal((await server.state(other))?.outcome, 'cancelled');
    assert.equal(await decision(server, run), undefined);
  });
});

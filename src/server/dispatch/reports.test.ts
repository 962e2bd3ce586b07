import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { Claimed, ItemReport, WorkerFact } from '../../api/worker-protocol.ts';
import { cancelRun } from './requests.ts';
import { digest, passed, planOf, preparing, served, stageOf, startedNow } from './testing/served.ts';

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

const begun = async () => {
  const server = await serve();
  const volumes = [{ name: 'work', from: 'empty' }] as const;
  const mounts = [{ kind: 'volume', volume: 'work', path: '/work', access: 'read-write' }] as const;
  const run = await server.plan(planOf([stageOf('build', [], { mounts, artifacts: { volume: 'work' } }), stageOf('other')], volumes));
  const claimed = await server.claim('w1', { slots: 1 });
  const [build] = claimed;
  assert.ok(build);
  return { server, run, build };
};
const report = ({ lease }: Claimed, more: Partial<ItemReport> = {}): ItemReport => ({
  item: lease.item,
  token: lease.token,
  sequence: 1,
  facts: [],
  ...more,
});

describe('what workers report', () => {
  it('is taken once, however often it comes', async () => {
    const { server, run, build } = await begun();
    for (let times = 0; times < 3; times++) assert.equal((await server.tell(build, 1, [preparing(build)])).kind, 'held');
    await server.tell(build, 2, [startedNow(build)]);
    assert.equal((await server.tell(build, 1, [preparing(build)])).kind, 'held');
    for (let times = 0; times < 2; times++) assert.equal((await server.tell(build, 3, [passed(build)])).kind, 'held');
    const kinds = (await server.events(run)).map(({ kind }) => kind);
    for (const kind of ['stage.preparing', 'stage.started', 'stage.finished'])
      assert.equal(kinds.filter((each) => each === kind).length, 1);
  });

  it('is answered with the runs that have ended with it', async () => {
    const server = await serve();
    const run = await server.plan(planOf([stageOf('build'), stageOf('test')]));
    const [build, test] = await server.claim();
    assert.ok(build && test);
    const over = async (claimed: Claimed): Promise<readonly string[] | undefined> => {
      const items = [report(claimed, { facts: [preparing(claimed), startedNow(claimed), passed(claimed)] })];
      return (await server.dispatcher.report({ worker: 'w1', waitMs: 0, items }, server.signal())).over;
    };
    assert.deepEqual([await over(build), await over(test), await over(test)], [undefined, [run], [run]]);
  });

  it('is taken once by a server that knows nothing of the reports before', async () => {
    const { server, run, build } = await begun();
    await server.tell(build, 1, [preparing(build)]);
    await server.restart();
    assert.equal((await server.tell(build, 1, [preparing(build)])).kind, 'held');
    assert.equal((await server.tell(build, 2, [startedNow(build)])).kind, 'held');
    assert.equal((await server.events(run)).filter(({ kind }) => kind === 'stage.preparing').length, 1);
  });

  it('does not count with a token that is not the newest, nor with that of another worker, nor about what nobody gave (atk-15, atk-16)', async () => {
    const { server, run, build } = await begun();
    const before = (await server.events(run)).length;
    const { item, token } = build.lease;
    const tell = async (worker: string, more: Partial<ItemReport>) => {
      const items = [{ ...report(build), facts: [startedNow(build)], ...more }];
      return (await server.dispatcher.report({ worker, waitMs: 0, items }, server.signal())).items[0]?.kind;
    };
    assert.equal(await tell('w2', {}), 'lost');
    assert.equal(await tell('w1', { token: token + 1 }), 'lost');
    assert.equal(await tell('w1', { token: token - 1 }), 'lost');
    assert.equal(await tell('w1', { item: item.replace('build/1', 'other/1'), facts: [] }), 'lost');
    assert.equal(await tell('w1', { item: 'run_none/build/1' }), 'lost');
    assert.equal((await server.events(run)).length, before);
  });

  it('is refused when it is about anything but its own attempt, or larger or stranger than what a worker says (atk-16, atk-17)', async () => {
    const { server, run, build } = await begun();
    const before = (await server.events(run)).length;
    const own = { stage: 'build', attempt: 1 };
    const finished = { kind: 'stage.finished', ...own, outcome: 'passed' } as const;
    const artifacts = { key: 'build.zip', bytes: 1, files: [] };
    const strange: readonly unknown[] = [
      { kind: 'run.finished', outcome: 'passed' },
      { kind: 'gate.decided', gate: 'ask', decision: { kind: 'approved', by: 'me', at: 0 } },
      { kind: 'deployment.recorded', stage: 'build', deployment: {} },
      { kind: 'stage.queued', ...own },
      { kind: 'stage.started', stage: 'other', attempt: 1, container: 'c' },
      { kind: 'stage.started', stage: 'build', attempt: 2, container: 'c' },
      { kind: 'stage.started', ...own, container: 'c', seq: 1 },
      { kind: 'stage.started', ...own, container: 'c'.repeat(2_000) },
      { kind: 'stage.noted', ...own, text: 'x'.repeat(50_000) },
      { kind: 'step.started', ...own, step: 'no-such', log: { stdout: 0, stderr: 0 } },
      { kind: 'volume.kept', ...own, volume: 'source', tree: digest('a'), bytes: 1 },
      { kind: 'volume.kept', ...own, volume: 'work', tree: '../../etc', bytes: 1 },
      { kind: 'volume.kept', ...own, volume: 'work', tree: digest('a'), bytes: -1 },
      { ...finished, outcome: 'skipped' },
      { ...finished, tree: { volume: 'source' } },
      { ...finished, tree: { volume: 'work', directory: '../..' } },
      { ...finished, artifacts: { ...artifacts, key: 'other.zip' } },
      { ...finished, stepArtifacts: artifacts },
      { ...finished, image: { reference: 'busybox:1', digest: digest('a') } },
      { ...finished, output: { bytes: 1, digest: 'none' } },
      { ...finished, cause: { kind: 'error', code: 'no code', message: '' } },
      null,
    ];
    for (const fact of strange) {
      const items = [report(build, { facts: [fact as WorkerFact] })];
      await assert.rejects(
        server.dispatcher.report({ worker: 'w1', waitMs: 0, items }, server.signal()),
        { code: 'WORKER_REPORT_INVALID' },
        JSON.stringify(fact),
      );
    }
    for (const more of [
      { item: 'build' },
      { sequence: 0, facts: [preparing(build)] },
      { facts: [passed(build), preparing(build)] },
      { giveBack: true as const, facts: [passed(build)] },
    ]) {
      const items = [report(build, more)];
      await assert.rejects(server.dispatcher.report({ worker: 'w1', waitMs: 0, items }, server.signal()), {
        code: 'WORKER_REPORT_INVALID',
      });
    }
    assert.equal((await server.events(run)).length, before);
    assert.equal((await server.tell(build, 1, [preparing(build), startedNow(build), passed(build)])).kind, 'held');
  });

  it('names the worker itself, whatever the fact says', async () => {
    const { server, run, build } = await begun();
    await server.tell(build, 1, [{ kind: 'stage.preparing', stage: 'build', attempt: 1, worker: 'somebody' }]);
    const prepared = (await server.events(run)).find(({ kind }) => kind === 'stage.preparing');
    assert.equal(prepared?.kind === 'stage.preparing' && prepared.worker, 'w1');
  });

  it('waits with nothing to tell, and is answered at once when one of its items is cancelled (atk-76)', async () => {
    const { server, run, build } = await begun();
    await server.tell(build, 1, [preparing(build), startedNow(build)]);
    const beat = () => server.dispatcher.report({ worker: 'w1', waitMs: 5_000, items: [report(build, { sequence: 0 })] }, server.signal());
    let isAnswered = false;
    const quiet = beat().finally(() => (isAnswered = true));
    await server.clock.advance(4_999);
    assert.equal(isAnswered, false);
    await server.clock.advance(1);
    assert.deepEqual((await quiet).items, [{ item: build.lease.item, kind: 'held', cancel: 'no' }]);
    const told = beat();
    await server.clock.advance(10);
    const before = server.clock.now();
    await server.dispatcher.report(run, cancelRun('eve', false));
    assert.deepEqual((await told).items, [{ item: build.lease.item, kind: 'held', cancel: 'stop' }]);
    const known = beat();
    await server.clock.advance(10);
    await server.dispatcher.report(run, cancelRun('eve', true));
    assert.deepEqual((await known).items, [{ item: build.lease.item, kind: 'held', cancel: 'force' }]);
    assert.equal(server.clock.now(), before + 10);
  });
});

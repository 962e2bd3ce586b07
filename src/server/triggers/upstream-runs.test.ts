import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { Clock } from '../../lib/clock.ts';
import type { Trigger } from '../../run/run-event.ts';
import { sqlMarks } from '../../store/sql/marks.ts';
import { testDatabase } from '../../store/sql/testing/test-database.ts';
import { sqlUpstreams } from '../../store/sql/upstreams.ts';
import type { Upstream, UpstreamStore } from '../../store/upstreams.ts';
import type { AuditEntry } from '../actor.ts';
import { failed, passed, planOf, plannedFacts, preparing, served, stageOf, startedNow } from '../dispatch/testing/served.ts';
import { followRuns } from '../runs/follow-runs.ts';
import type { BeginRun } from '../runs/begin-run.ts';
import { untilIdle } from '../testing/until-idle.ts';
import { upstreamRuns } from './upstream-runs.ts';

const made = testDatabase();
let upstreams: UpstreamStore;
beforeEach(() => {
  upstreams = sqlUpstreams(made.database);
});

const upstream = (id: string, project: string, after: Upstream['after'], more: Partial<Upstream> = {}): Upstream => ({
  id,
  project,
  after,
  wants: {},
  by: 'ada',
  createdAt: 0,
  ...more,
});
const manual: Trigger = { kind: 'manual', by: 'eve' };

/** A server whose runs are carried by this test: a real dispatcher, and what begins runs goes straight to it. */
const server = async () => {
  const it = served();
  await it.start();
  const audit: AuditEntry[] = [];
  const failures: unknown[] = [];
  let hook: () => void = () => undefined;
  const beginRun: BeginRun = async ({ project, pipeline = 'cion', trigger, once }) => {
    hook();
    return it.dispatcher.create({ project, pipeline, trigger, ...(once === undefined ? {} : { once }) });
  };
  const make = (clock: Clock) =>
    followRuns(
      {
        dispatcher: it.dispatcher,
        runs: it.store.runs,
        marks: sqlMarks(made.database),
        clock,
        failed: (error) => void failures.push(error),
      },
      upstreamRuns({ upstreams, runs: it.store.runs, beginRun, guard: { note: async (entry) => void audit.push(entry) }, clock }),
    );
  const end = async (run: string, how: 'passed' | 'failed' = 'passed'): Promise<void> => {
    const { pipeline = 'cion' } = (await it.store.runs.list({ run, limit: 1 }))[0] ?? {};
    await it.dispatcher.report(run, () => plannedFacts({ ...planOf([stageOf('only')]), pipeline }));
    const [claimed] = await it.claim();
    assert.ok(claimed);
    await it.tell(claimed, 1, [preparing(claimed), startedNow(claimed), how === 'passed' ? passed(claimed) : failed(claimed)]);
  };
  const begin = async (
    project: string,
    { pipeline = 'cion', trigger = manual }: { pipeline?: string; trigger?: Trigger } = {},
  ): Promise<string> => (await it.dispatcher.create({ project, pipeline, trigger })).run;
  return {
    ...it,
    audit,
    failures,
    make,
    begin,
    end,
    hook: (given: () => void) => {
      hook = given;
    },
    /** The follower starts, does what there is to do, and dies. */
    look: () => untilIdle(it.clock.now(), make),
    run: async (project: string, how: 'passed' | 'failed' = 'passed', more: { pipeline?: string; trigger?: Trigger } = {}) => {
      const run = await begin(project, more);
      await end(run, how);
      return run;
    },
    runsOf: async (project: string) => (await it.store.runs.list({ project, limit: 1000 })).toReversed(),
  };
};

test('when a run of the pipeline that a project comes after turns green, one run of it begins at once (R-DCK-87)', async () => {
  const it = await server();
  await upstreams.add(upstream('u1', 'ada/shop', { project: 'ada/library' }, { wants: { pipeline: 'deploy' } }));
  await it.look();
  const began = Promise.withResolvers<void>();
  const going = new AbortController();
  const ended = it.make(it.clock).start(going.signal);
  it.dispatcher.watch(undefined, (_events, { project }) => {
    if (project === 'ada/shop') began.resolve();
  });
  const red = await it.run('ada/library', 'failed');
  const green = await it.run('ada/library');
  await began.promise;
  going.abort();
  await ended;
  assert.notEqual(red, green);
  const [run, ...more] = await it.runsOf('ada/shop');
  assert.equal(more.length, 0);
  assert.equal(run?.pipeline, 'deploy');
  assert.deepEqual(run?.trigger, { kind: 'pipeline', by: 'ada/library #2', pipeline: 'ada/library/cion', run: green });
});

test('the same green run begins nothing a second time, however often it is told, also to a server that knows nothing of the first time (R-DCK-88)', async () => {
  const it = await server();
  await upstreams.add(upstream('u1', 'ada/shop', { project: 'ada/library' }));
  await it.look();
  await it.run('ada/library');
  await it.look();
  await it.look();
  await made.database.sql.deleteFrom('mark' as never).execute();
  await sqlMarks(made.database).move('upstreams', 0);
  await it.look();
  assert.equal((await it.runsOf('ada/shop')).length, 1);
});

test('what turned green while no server was there begins its runs when there is one again', async () => {
  const it = await server();
  await upstreams.add(upstream('u1', 'ada/shop', { project: 'ada/library' }));
  await it.look();
  for (let n = 0; n < 120; n++) await it.run('ada/library');
  await it.look();
  assert.equal((await it.runsOf('ada/shop')).length, 120);
  assert.deepEqual(it.failures, []);
});

test('what cannot begin now is tried again, by the next server too, and the reason is shown', async () => {
  const it = await server();
  await upstreams.add(upstream('u1', 'ada/shop', { project: 'ada/library' }));
  await it.look();
  await it.run('ada/library');
  it.hook(() => {
    throw Object.assign(new Error('The database cannot be reached.'), { code: 'STORE_UNAVAILABLE' });
  });
  await it.look();
  const [refused] = await upstreams.list({ project: 'ada/shop' });
  assert.equal(refused?.note?.text, 'No run could begin: The database cannot be reached.');
  assert.equal(it.failures.length, 1);
  it.hook(() => undefined);
  await it.look();
  assert.equal((await it.runsOf('ada/shop')).length, 1);
});

test('only the pipeline and branch that were asked for count, no pull request, and nothing from before it was asked', async () => {
  const it = await server();
  await upstreams.add(upstream('u1', 'ada/a', { project: 'ada/library', pipeline: 'build' }));
  await upstreams.add(upstream('u2', 'ada/b', { project: 'ada/library', branch: 'main' }));
  await upstreams.add(upstream('u3', 'ada/c', { project: 'ada/library', branch: 'next' }));
  await upstreams.add(upstream('u4', 'ada/d', { project: 'ada/library' }, { createdAt: it.clock.now() + 1 }));
  await it.look();
  await it.run('ada/library', 'passed', { pipeline: 'test' });
  await it.run('ada/library', 'passed', {
    pipeline: 'build',
    trigger: { kind: 'pull-request', by: 'mallory', number: 1, ref: 'refs/pull/1/head', fork: true },
  });
  await it.run('ada/library', 'passed', { pipeline: 'build' });
  await it.look();
  const counts = await Promise.all(['a', 'b', 'c', 'd'].map(async (name) => (await it.runsOf(`ada/${name}`)).length));
  assert.deepEqual(counts, [1, 2, 0, 0]);
});

test('pipelines that begin one another in a circle are stopped when it closes, and why is kept and audited (atk-78)', async () => {
  const it = await server();
  await upstreams.add(upstream('u1', 'ada/b', { project: 'ada/a' }));
  await upstreams.add(upstream('u2', 'ada/c', { project: 'ada/b' }));
  await upstreams.add(upstream('u3', 'ada/a', { project: 'ada/c' }));
  await upstreams.add(upstream('u4', 'ada/self', { project: 'ada/self' }));
  await it.look();
  await it.run('ada/a');
  await it.run('ada/self');
  for (let round = 0; round < 5; round++) {
    await it.look();
    const open = await it.store.runs.list({ finished: false, limit: 100 });
    for (const { run } of open) await it.end(run);
  }
  const counts = await Promise.all(['a', 'b', 'c', 'self'].map(async (name) => (await it.runsOf(`ada/${name}`)).length));
  assert.deepEqual(counts, [1, 1, 1, 1]);
  const [stopped] = await upstreams.list({ project: 'ada/a' });
  const reason = 'Stopped: pipelines begin one another in a circle, ada/a/cion → ada/b/cion → ada/c/cion → ada/a.';
  assert.equal(stopped?.note?.text, reason);
  assert.ok(
    it.audit.some(({ action, project, detail }) => action === 'trigger.stopped' && project === 'ada/a' && detail.reason === reason),
  );
  const [self] = await upstreams.list({ project: 'ada/self' });
  assert.match(self?.note?.text ?? '', /^Stopped: .* ada\/self\/cion → ada\/self\.$/);
});

test('a further pipeline of the same project may come after the first, and is stopped only when it leads back (atk-78)', async () => {
  const it = await server();
  await upstreams.add(upstream('u1', 'ada/a', { project: 'ada/a', pipeline: 'build' }, { wants: { pipeline: 'deploy' } }));
  await upstreams.add(upstream('u2', 'ada/a', { project: 'ada/a', pipeline: 'deploy' }, { wants: { pipeline: 'build' } }));
  await it.look();
  await it.run('ada/a', 'passed', { pipeline: 'build' });
  for (let round = 0; round < 3; round++) {
    await it.look();
    for (const { run } of await it.store.runs.list({ finished: false, limit: 100 })) await it.end(run);
  }
  assert.deepEqual(
    (await it.runsOf('ada/a')).map(({ pipeline }) => pipeline),
    ['build', 'deploy'],
  );
});

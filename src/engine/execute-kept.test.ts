import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { pack } from 'tar-stream';
import type { Plan, Stage } from '../plan/plan.ts';
import type { RunEvent } from '../run/run-event.ts';
import { after, doing, logOf, runPlan, stageOf } from './testing/fake-run.ts';
import { memoryCaches, memoryTrees } from './testing/memory-stores.ts';
import { step, stepping } from './testing/fake-steps.ts';
import { planOf } from './testing/random-plan.ts';

const notes = (events: readonly RunEvent[]): string =>
  events.flatMap((event) => (event.kind === 'stage.noted' ? [event.text] : [])).join('\n');

const cachePlan = (name: string, env: Readonly<Record<string, string>>, limitBytes = 1000): Plan => ({
  ...planOf([
    doing(name, env, {
      mounts: [{ kind: 'volume', volume: 'cache', path: '/mnt/cache', access: 'read-only' }],
      directories: ['/pipeline/cache'],
      caches: [{ key: 'build', path: '/pipeline/cache', limitBytes }],
    }),
  ]),
  volumes: [{ name: 'cache', from: { cache: 'build' } }],
});
const writes = (files: Readonly<Record<string, string>>, more: Readonly<Record<string, string>> = {}) => ({
  FAKE_WRITE: JSON.stringify(files),
  ...more,
});
const reads = { FAKE_PRINT_FILE: '/mnt/cache/dep' };

for (const [ended, code] of [
  ['passed', '0'],
  ['failed', '1'],
] as const) {
  test(`what a stage that ${ended} left in its cache is there for the next run (R-WRK-119, R-WRK-170)`, async () => {
    const caches = memoryCaches();
    const first = await runPlan(cachePlan('one', writes({ '/pipeline/cache/dep': 'kept' }, { FAKE_EXIT: code })), {}, { caches });
    assert.equal(first.state.outcome, ended);
    const next = await runPlan(cachePlan('two', reads), {}, { caches });
    assert.equal(await logOf(next.results, 'two'), 'kept');
  });
}

test('a cache without files replaces none, one over its limit is said and stays away; a new one replaces all of the old one', async () => {
  const caches = memoryCaches();
  await runPlan(cachePlan('one', writes({ '/pipeline/cache/dep': 'old', '/pipeline/cache/gone': 'x' })), {}, { caches });
  await runPlan(cachePlan('empty', {}), {}, { caches });
  const large = await runPlan(cachePlan('large', writes({ '/pipeline/cache/dep': 'y'.repeat(1001) })), {}, { caches });
  assert.equal(large.state.outcome, 'passed');
  assert.match(notes(large.events), /the cache \/pipeline\/cache was not kept: its files are larger than 1000 bytes/);
  assert.equal(await logOf((await runPlan(cachePlan('two', reads), {}, { caches })).results, 'two'), 'old');
  await runPlan(cachePlan('three', writes({ '/pipeline/cache/other': 'new' })), {}, { caches });
  assert.equal((await runPlan(cachePlan('four', reads), {}, { caches })).state.outcome, 'failed');
});

test('a volume is filled from a tree that was fetched for the plan', async () => {
  const tar = pack();
  tar.entry({ name: 'run.sh' }, 'echo hi\n');
  tar.finalize();
  const trees = memoryTrees({ abc: await buffer(Readable.from(tar)) });
  const plan: Plan = {
    ...planOf([
      doing(
        'a',
        { FAKE_PRINT_FILE: '/mnt/step/run.sh' },
        { mounts: [{ kind: 'volume', volume: 't', path: '/mnt/step', access: 'read-only' }] },
      ),
    ]),
    volumes: [{ name: 't', from: { tree: 'abc' } }],
  };
  const { results } = await runPlan(plan, {}, { trees });
  assert.equal(await logOf(results, 'a'), 'echo hi\n');
});

const taking = (files: Readonly<Record<string, string>>, more: Partial<Stage> = {}, env = {}): Stage =>
  doing('build', writes(files, env), {
    directories: ['/out'],
    taken: { path: '/out', or: '/src', limitBytes: 1000 },
    ...more,
  });
const filesOf = async (stage: Stage) => {
  const { state } = await runPlan(planOf([stage]));
  const attempt = stageOf(state, 'build').attempts.at(-1);
  return { files: attempt?.artifacts?.files.map(({ path }) => path), outcome: state.outcome, cause: attempt?.cause };
};

test('what a stage left in a directory of its container is its artifacts, pass or fail; else what is in another (R-WRK-171)', async () => {
  assert.deepEqual((await filesOf(taking({ '/out/a': '1', '/src/b': '2' }))).files, ['a']);
  const failed = await filesOf(taking({ '/out/a': '1' }, {}, { FAKE_EXIT: '1' }));
  assert.deepEqual([failed.files, failed.outcome], [['a'], 'failed']);
  assert.deepEqual((await filesOf(taking({ '/src/b': '2' }))).files, ['b']);
  assert.deepEqual((await filesOf(taking({ '/src/b': '2' }, { directories: ['/out', '/out/empty'] }))).files, ['b']);
  assert.equal((await filesOf(taking({}, { directories: [] }))).files, undefined);
});

test('what steps put into their own directories is kept below their ids, pass or fail, beside what the stage left (R-WRK-160)', async () => {
  for (const code of ['0', '1']) {
    const left = writes({
      '/out/a': '1',
      '/report/test/artifacts/junit/x.xml': '<x/>',
      '/report/tell/artifacts/said': 'y',
      '/report/test/message.txt': 'no file of it',
      '/report/other/artifacts/z': 'no step',
    });
    const build = stepping('build', [step('test', { ...left, FAKE_EXIT: code })], [step('tell')], {
      taken: { path: '/out' },
      directories: ['/out'],
    });
    const { state, results } = await runPlan(planOf([build]));
    const attempt = stageOf(state, 'build').attempts.at(-1);
    assert.deepEqual(attempt?.stepArtifacts?.files.map(({ path }) => path).toSorted(), ['tell/said', 'test/junit/', 'test/junit/x.xml']);
    assert.deepEqual(
      attempt?.artifacts?.files.map(({ path }) => path),
      ['a'],
    );
    assert.ok((await results.open('run_1', 'build.steps.zip')) !== undefined);
  }
});

test('artifacts over their limit error the attempt, unless it failed anyway', async () => {
  const large = { '/out/a': 'x'.repeat(1001) };
  const { outcome, cause, files } = await filesOf(taking(large));
  assert.deepEqual([outcome, cause?.kind === 'error' && cause.code, files], ['errored', 'ARTIFACTS_TOO_LARGE', undefined]);
  assert.equal((await filesOf(taking(large, {}, { FAKE_EXIT: '1' }))).outcome, 'failed');
  assert.deepEqual((await filesOf(taking({ '/out/a': 'x'.repeat(1000) }))).files, ['a']);
});

test('another stage may mount what was taken', async () => {
  const deploy = doing(
    'deploy',
    { FAKE_PRINT_FILE: '/in/a' },
    { ...after('build'), mounts: [{ kind: 'artifacts', stage: 'build', path: '/in' }] },
  );
  const { results } = await runPlan(planOf([taking({ '/out/a': 'built' }), deploy]));
  assert.equal(await logOf(results, 'deploy'), 'built');
});

test('an image is named by the run and by how it ended, also of a stage that failed, and pushed (R-WRK-167, R-WRK-168, R-WRK-169)', async () => {
  const committing = (env: Readonly<Record<string, string>>, when: 'ended' | undefined) =>
    doing('build', env, {
      commit: {
        names: ['r.test/app:{outcome}', 'r.test/app:{run}', 'r.test/app:{id}', 'r.test/app:latest'],
        push: true,
        ...(when === undefined ? {} : { when }),
      },
    });
  const green = await runPlan(planOf([committing({}, undefined)]));
  assert.equal(stageOf(green.state, 'build').attempts[0]?.committed?.reference, 'r.test/app:green');
  const pushed = ['green', '1', 'run_1', 'latest'].map((tag) => `Pushed r.test/app:${tag}`).join('\n');
  assert.equal(notes(green.events), pushed);
  assert.equal(await logOf(green.results, 'build'), '');
  const red = await runPlan(planOf([committing({ FAKE_EXIT: '1' }, 'ended')]));
  assert.equal(stageOf(red.state, 'build').attempts[0]?.committed?.reference, 'r.test/app:red');
  assert.equal(red.state.outcome, 'failed');
  const none = await runPlan(planOf([committing({ FAKE_EXIT: '1' }, undefined)]));
  assert.equal(stageOf(none.state, 'build').attempts[0]?.committed, undefined);
});

test('a stage that failed has failed for its own cause when its image cannot be made either', async () => {
  const build = doing('build', { FAKE_EXIT: '4', FAKE_COMMIT_ERROR: 'NO_SPACE' }, { commit: { names: [], when: 'ended' } });
  const { state, events } = await runPlan(planOf([build]));
  assert.deepEqual(stageOf(state, 'build').attempts[0]?.cause, { kind: 'exit', code: 4 });
  assert.match(notes(events), /the image was not made: NO_SPACE/);
});

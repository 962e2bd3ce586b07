import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { virtualClock } from '../lib/virtual-clock.ts';
import type { Command, Stage, Timeouts } from '../plan/plan.ts';
import { fold } from '../run/fold.ts';
import type { RunEvent } from '../run/run-event.ts';
import { fakeRuntime } from '../runtimes/fake/fake-runtime.ts';
import type { Item } from '../runtimes/runtime.ts';
import { after, doing, logOf, runAndCrash, runPlan, spans, stageOf } from './testing/fake-run.ts';
import { quietSink } from './testing/memory-run.ts';
import { planOf } from './testing/random-plan.ts';

const shell = (script: string): Command => ({ kind: 'shell', script });
const withDone = (env: Readonly<Record<string, string>>, timeouts: Timeouts = {}, more: Partial<Stage> = {}): Stage =>
  doing('create', env, { done: { command: shell('is it there'), timeouts }, ...more });
const doneStart = (events: readonly RunEvent[]): RunEvent | undefined => events.find((event) => event.kind === 'stage.done-started');

describe('execute, with a done', () => {
  it('lets it go after the command passed, and only then (R-DCO-49)', async () => {
    const { state, events } = await runPlan(planOf([withDone({ FAKE_SLEEP_MS: '1000' })]));
    assert.equal(state.outcome, 'passed');
    const started = doneStart(events)?.at ?? 0;
    assert.equal(started - spans(events, 'create').start, 1000);
    const failed = await runPlan(planOf([withDone({ FAKE_EXIT: '1' })]));
    assert.equal(doneStart(failed.events), undefined);
    assert.deepEqual(stageOf(failed.state, 'create').attempts[0]?.cause, { kind: 'exit', code: 1 });
  });

  it('holds dependants until it passed (R-DCO-50)', async () => {
    const { state, events } = await runPlan(planOf([withDone({ FAKE_DONE_SLEEP_MS: '2000' }), doing('use', {}, after('create'))]));
    assert.equal(state.outcome, 'passed');
    assert.ok(spans(events, 'use').start >= (doneStart(events)?.at ?? 0) + 2000);
    assert.ok(spans(events, 'create').end <= spans(events, 'use').start);
  });

  it('runs in a container like that of the command, and its failure, time-out, end of memory or error is the stage’s (R-DCO-51)', async () => {
    const items: Item[] = [];
    const clock = virtualClock({ whenIdle: 'run' });
    const runtime = fakeRuntime({ clock });
    const watched = {
      ...runtime,
      start: (...given: Parameters<typeof runtime.start>) => (items.push(given[0]), runtime.start(...given)),
    };
    const mounts: Stage['mounts'] = [{ kind: 'volume', volume: 'work', path: '/work', access: 'read-write' }];
    const create = withDone({ A: '1' }, { totalMs: 5000 }, { mounts, timeouts: { totalMs: 9000 } });
    const plan = { ...planOf([create]), volumes: [{ name: 'work', from: 'empty' as const }] };
    await runPlan(plan, {}, { clock, runtime: watched });
    const [command, done] = items;
    assert.deepEqual([command?.part, done?.part], [undefined, 'done']);
    assert.deepEqual(done?.stage, { ...command?.stage, command: shell('is it there'), timeouts: { totalMs: 5000 } });

    const endings = [
      [{ FAKE_DONE_EXIT: '4' }, 'failed', { kind: 'exit', code: 4, part: 'done' }],
      [{ FAKE_DONE_SLEEP_MS: '60000' }, 'failed', { kind: 'timeout', limit: 'total', ms: 5000, part: 'done' }],
      [{ FAKE_DONE_OOM: '1' }, 'failed', { kind: 'oom', part: 'done' }],
    ] as const;
    for (const [env, outcome, cause] of endings) {
      const { state, results } = await runPlan(planOf([withDone(env, { totalMs: 5000 }), doing('use', {}, after('create'))]));
      assert.deepEqual(stageOf(state, 'create').attempts[0]?.cause, cause);
      assert.equal(stageOf(state, 'create').outcome, outcome);
      assert.equal(stageOf(state, 'use').outcome, 'skipped');
      const document = JSON.parse(await text((await results.open('run_1', 'create.json')) ?? assert.fail()));
      assert.match(document.message, /^done: /);
    }
    const errored = await runPlan(planOf([withDone({ FAKE_DONE_START_ERROR: 'ENGINE_LOST' })]));
    assert.equal(errored.state.outcome, 'errored');
    const cause = stageOf(errored.state, 'create').attempts[0]?.cause;
    assert.deepEqual([cause?.kind === 'error' && cause.code, cause?.part], ['ENGINE_LOST', 'done']);
  });

  it('keeps its log apart, masked like any, and out of the stage’s output (R-DCO-51)', async () => {
    const heard: string[] = [];
    const sink = { ...quietSink, log: (name: string) => void heard.push(name) };
    const create = withDone({ FAKE_STDOUT: 'id-1\n', FAKE_DONE_STDOUT: 'waits for hunter22\n' });
    const use = doing('use', { FAKE_PRINT_ENV: '1' }, after('create'));
    const plan = planOf([
      { ...create, env: { ...create.env, TOKEN: { kind: 'secret', name: 'T' } } },
      { ...use, env: { ...use.env, ID: { kind: 'output', stage: 'create' } } },
    ]);
    const { results, state } = await runPlan(plan, {}, { sink, outside: { variable: () => undefined, secret: () => 'hunter22' } });
    assert.equal(state.outcome, 'passed');
    assert.equal(await logOf(results, 'create'), 'id-1\n');
    assert.equal(await logOf(results, 'create', 'done'), 'waits for ********\n');
    assert.equal(await logOf(results, 'use'), 'ID=id-1\n');
    assert.deepEqual(heard, ['create', 'create.done', 'use']);
  });

  it('leaves no log of it when the stage is sensitive', async () => {
    const { results } = await runPlan(planOf([withDone({ FAKE_STDOUT: 'x', FAKE_DONE_STDOUT: 'secret' }, {}, { sensitive: true })]));
    assert.equal(await logOf(results, 'create', 'done'), '');
    assert.equal(await results.open('run_1', 'create.done.log'), undefined);
  });

  it('ends it when the run is cancelled, and tries the whole stage again by the rule', async () => {
    const cancel = new AbortController();
    const sink = { ...quietSink, event: (event: RunEvent) => void (event.kind === 'stage.done-started' && cancel.abort('me')) };
    const cancelled = await runPlan(planOf([withDone({ FAKE_DONE_SLEEP_MS: '3600000' })]), { cancel: cancel.signal }, { sink });
    assert.equal(stageOf(cancelled.state, 'create').outcome, 'cancelled');
    assert.ok(cancelled.clock.now() < 60_000);
    const again = await runPlan(planOf([withDone({ FAKE_DONE_EXIT: '1,0' }, {}, { retry: { attempts: 2, on: ['failed'] } })]));
    assert.deepEqual(
      stageOf(again.state, 'create').attempts.map(({ outcome }) => outcome),
      ['failed', 'passed'],
    );
  });

  it('goes on with it after a crash at any event, the command not run again', async () => {
    const plan = planOf([
      withDone(
        { FAKE_STDOUT: 'out\n', FAKE_SLEEP_MS: '100', FAKE_DONE_STDOUT: 'there\n', FAKE_DONE_SLEEP_MS: '100' },
        {},
        { commit: { names: ['a:1'] } },
      ),
      { ...doing('use', {}, after('create')), files: [{ path: '/f', value: { kind: 'output', stage: 'create' } }] },
    ]);
    const whole = await runPlan(plan);
    for (let life = 1; life < whole.events.length - 4; life++) {
      const { state, events, results } = await runAndCrash(plan, [life]);
      assert.deepEqual(fold(events), state);
      const [attempt] = stageOf(state, 'create').attempts;
      const [undisturbed] = stageOf(whole.state, 'create').attempts;
      assert.deepEqual([attempt?.outcome, attempt?.output, attempt?.committed], ['passed', undisturbed?.output, undisturbed?.committed]);
      assert.equal(await logOf(results, 'create'), 'out\n');
      assert.equal(await logOf(results, 'create', 'done'), 'there\n');
      assert.equal(events.filter((event) => event.kind === 'stage.done-started').length, 1, `${life}`);
    }
  });
});

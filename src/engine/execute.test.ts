import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Clock } from '../lib/clock.ts';
import { virtualClock } from '../lib/virtual-clock.ts';
import type { Gate, Plan, Stage } from '../plan/plan.ts';
import { memoryResults } from '../results/memory/memory-results.ts';
import type { Results } from '../results/results.ts';
import { ResultsError } from '../results/results-error.ts';
import { fold } from '../run/fold.ts';
import type { Gatekeeper } from '../run/gatekeeper.ts';
import { type Journal, stamped } from '../run/journal.ts';
import type { Decision, RunEvent } from '../run/run-event.ts';
import { fakeRuntime, fakeWorld } from '../runtimes/fake/fake-runtime.ts';
import { execute } from './execute.ts';
import { depsFor, nobody, optionsFor, plannedJournal, quietSink } from './testing/memory-run.ts';
import { after, doing, endsOf, literal, logOf, runAndCrash, runPlan, spans, stageOf } from './testing/fake-run.ts';
import { planOf, randomPlan } from './testing/random-plan.ts';

const deciding = (decision: Decision): Gatekeeper => ({ ...nobody, decided: async () => decision });
const after30s = (clock: Clock, decision: Decision): Promise<Decision> =>
  new Promise((resolve) => void clock.after(30_000, () => resolve(decision)));

describe('execute', () => {
  it('carries a plan through: logs kept, documents written, outcome passed', async () => {
    const { state, results } = await runPlan(
      planOf([doing('build', { FAKE_STDOUT: 'built\n' }), doing('release', { FAKE_STDOUT: 'released\n' }, after('build'))]),
    );
    assert.equal(state.outcome, 'passed');
    assert.equal(await logOf(results, 'build'), 'built\n');
    const document = await results.open('run_1', 'release.json');
    assert.equal((JSON.parse(await text(document ?? assert.fail())) as { status: string }).status, 'winning');
  });

  it('overlaps what does not depend on each other, up to the limit (R-DCK-06)', async () => {
    const plan = planOf([doing('a', { FAKE_SLEEP_MS: '2000' }), doing('b', { FAKE_SLEEP_MS: '2000' })]);
    const both = await runPlan(plan, { concurrency: 2 });
    assert.ok(spans(both.events, 'b').start < spans(both.events, 'a').end);
    const single = await runPlan(plan, { concurrency: 1 });
    assert.ok(spans(single.events, 'b').start >= spans(single.events, 'a').end);
  });

  it('does not run release when build says no, and says why (R-CIO-13)', async () => {
    const { state, events } = await runPlan(planOf([doing('build', { FAKE_EXIT: '3' }), doing('release', {}, after('build'))]));
    assert.equal(state.outcome, 'failed');
    assert.deepEqual(stageOf(state, 'build').attempts[0]?.cause, { kind: 'exit', code: 3 });
    assert.deepEqual(stageOf(state, 'release').skip, { kind: 'need', node: 'build', outcome: 'failed' });
    assert.ok(!events.some((event) => event.kind === 'stage.started' && event.stage === 'release'));
  });

  it('tells errored from failed', async () => {
    const { state } = await runPlan(planOf([doing('build', { FAKE_START_ERROR: 'ENGINE_LOST' })]));
    assert.equal(state.outcome, 'errored');
    const cause = stageOf(state, 'build').attempts[0]?.cause;
    assert.equal(cause?.kind === 'error' && cause.code, 'ENGINE_LOST');
  });

  it('tells out of memory as that', async () => {
    const { state } = await runPlan(planOf([doing('build', { FAKE_OOM: '1' })]));
    assert.deepEqual(stageOf(state, 'build').attempts[0]?.cause, { kind: 'oom' });
  });

  it('gives outputs of earlier stages as trimmed values', async () => {
    const reader = doing('reader', { FAKE_PRINT_ENV: '1' }, after('login'));
    const { results } = await runPlan(
      planOf([
        doing('login', { FAKE_STDOUT: '  token 1\n\n' }),
        { ...reader, env: { ...reader.env, TOKEN: { kind: 'output', stage: 'login' } } },
      ]),
    );
    assert.match(await logOf(results, 'reader'), /^TOKEN=token 1$/m);
  });

  it('masks a secret in the log of every stage that it is handed on to', async () => {
    const login = doing('login', { FAKE_PRINT_ENV: '1' });
    const reader = doing('reader', { FAKE_PRINT_ENV: '1' }, after('login'));
    const plan = planOf([
      { ...login, env: { ...login.env, TOKEN: { kind: 'secret', name: 'T' } } },
      { ...reader, env: { ...reader.env, GOT: { kind: 'output', stage: 'login' } } },
    ]);
    const results = memoryResults();
    const outside = { variable: () => undefined, secret: () => 'hunter22' };
    await execute(depsFor(plannedJournal(plan), virtualClock({ whenIdle: 'run' }), { results, outside }), optionsFor());
    assert.equal(await logOf(results, 'login'), 'TOKEN=********\n');
    assert.match(await logOf(results, 'reader'), /^GOT=TOKEN=\*{8}$/m);
  });

  it('gives the exact output to the stage that asks for it, although the log of its maker is masked', async () => {
    const seen: string[] = [];
    const clock = virtualClock({ whenIdle: 'run' });
    const runtime = fakeRuntime({ clock });
    const watched = {
      ...runtime,
      start: (...given: Parameters<typeof runtime.start>) => (seen.push(given[1].env['GOT']?.value ?? ''), runtime.start(...given)),
    };
    const login = doing('login', { FAKE_PRINT_ENV: '1' });
    const plan = planOf([
      { ...login, env: { ...login.env, TOKEN: { kind: 'secret', name: 'T' } } },
      { ...doing('reader', {}, after('login')), env: { GOT: { kind: 'output', stage: 'login' } } },
    ]);
    await execute(
      depsFor(plannedJournal(plan), clock, { runtime: watched, outside: { variable: () => undefined, secret: () => 'hunter22' } }),
      optionsFor(),
    );
    assert.deepEqual(seen, ['', 'TOKEN=hunter22']);
  });

  it('ends a stage that takes too long, and one that is silent too long, as failed', async () => {
    const long = await runPlan(planOf([doing('build', { FAKE_SLEEP_MS: '60000' }, { timeouts: { totalMs: 5000 } })]));
    assert.deepEqual(stageOf(long.state, 'build').attempts[0]?.cause, { kind: 'timeout', limit: 'total', ms: 5000 });
    assert.equal(long.state.outcome, 'failed');
    const silent = await runPlan(planOf([doing('build', { FAKE_SLEEP_MS: '60000', FAKE_STDOUT: 'x' }, { timeouts: { silentMs: 7000 } })]));
    assert.deepEqual(stageOf(silent.state, 'build').attempts[0]?.cause, { kind: 'timeout', limit: 'silent', ms: 7000 });
  });

  it('tries again by the rule and keeps each attempt', async () => {
    const { state } = await runPlan(planOf([doing('flaky', { FAKE_EXIT: '1' }, { retry: { attempts: 3, on: ['failed'] } })]));
    assert.equal(stageOf(state, 'flaky').attempts.length, 3);
  });

  it('records a Deployment when a stage that deploys passed, with commit, image and time, and none when it failed (R-CIO-51)', async () => {
    const deploying = (exit: string) => planOf([doing('release', { FAKE_EXIT: exit }, { deploys: { environment: 'production' } })]);
    const passed = await runPlan(deploying('0'));
    assert.equal(passed.state.deployments[0]?.environment, 'production');
    assert.equal(passed.state.deployments[0]?.commit, 'c0ffee');
    assert.match(passed.state.deployments[0]?.image.digest ?? '', /^sha256:/);
    assert.deepEqual((await runPlan(deploying('1'))).state.deployments, []);
  });

  it('cancels: what runs is stopped, what waits is skipped, clean-up runs', async () => {
    const cancel = new AbortController();
    const clock = virtualClock({ whenIdle: 'run' });
    const journal = plannedJournal(
      planOf([
        doing('deploy', { FAKE_SLEEP_MS: '60000' }),
        doing('later', {}, after('deploy')),
        doing('undo', {}, { always: true, needs: [{ node: 'deploy', on: 'finished' }] }),
      ]),
    );
    const sink = {
      ...quietSink,
      event: (event: RunEvent) => void (event.kind === 'stage.started' && event.stage === 'deploy' && cancel.abort('the test')),
    };
    const { state } = await execute(depsFor(journal, clock, { sink }), optionsFor({ cancel: cancel.signal }));
    assert.equal(state.outcome, 'cancelled');
    assert.equal(stageOf(state, 'deploy').outcome, 'cancelled');
    assert.deepEqual(stageOf(state, 'later').skip, { kind: 'cancelled' });
    assert.equal(stageOf(state, 'undo').outcome, 'passed');
    assert.equal(state.cancel?.by, 'the test');
  });

  it('stops running siblings at the first failure when told to', async () => {
    const { state } = await runPlan(
      planOf([doing('a', { FAKE_SLEEP_MS: '100', FAKE_EXIT: '1' }), doing('b', { FAKE_SLEEP_MS: '60000' })]),
      { onFailure: 'stop' },
    );
    assert.equal(stageOf(state, 'b').outcome, 'cancelled');
    assert.equal(stageOf(state, 'a').outcome, 'failed');
  });

  it('errs when the log cannot be kept, ends the container and says so', async () => {
    const clock = virtualClock({ whenIdle: 'run' });
    const results = memoryResults();
    const full: Results = {
      ...results,
      begin: async (key, startedAt) => ({
        ...(await results.begin(key, startedAt)),
        append: () => Promise.reject(new ResultsError('NO_SPACE', 'the disk is full')),
      }),
    };
    const journal = plannedJournal(planOf([doing('build', { FAKE_STDOUT: 'x', FAKE_SLEEP_MS: '60000' })]));
    const { state } = await execute(depsFor(journal, clock, { results: full }), optionsFor());
    assert.deepEqual(stageOf(state, 'build').attempts[0]?.cause, { kind: 'error', code: 'NO_SPACE', message: 'the disk is full' });
    assert.ok(clock.now() < 60_000);
  });

  it('stops at once when the journal cannot be written, and leaves the containers for a resume', async () => {
    const clock = virtualClock({ whenIdle: 'run' });
    const world = fakeWorld();
    const journal = plannedJournal(planOf([doing('a', {}), doing('b', {}, after('a'))]));
    const failing: Journal = {
      ...journal,
      append: (events) =>
        events.some((event) => event.kind === 'stage.finished') ? Promise.reject(new Error('ENOSPC')) : journal.append(events),
    };
    await assert.rejects(execute(depsFor(failing, clock, { runtime: fakeRuntime({ clock, world }) }), optionsFor()), {
      code: 'JOURNAL_UNWRITABLE',
    });
    assert.deepEqual(world.runs(), ['run_1']);
  });

  it('waits at a gate and goes on when it expires', async () => {
    const build = doing('build');
    const plan: Plan = {
      ...planOf([build]),
      nodes: [
        build,
        { kind: 'gate', name: 'ok', needs: [{ node: 'build', on: 'passed' }], waitsFor: { kind: 'person', who: [] }, timeoutMs: 3_600_000 },
        doing('release', {}, after('ok')),
      ],
    };
    const { state, clock } = await runPlan(plan);
    assert.equal(state.nodes.get('ok')?.outcome, 'failed');
    assert.equal(stageOf(state, 'release').outcome, 'skipped');
    assert.ok(clock.now() >= 3_600_000);
  });

  const gated = (build: Stage, ...release: readonly Stage[]): Plan => ({
    ...planOf([build]),
    nodes: [
      build,
      { kind: 'gate', name: 'ok', needs: [{ node: build.name, on: 'passed' }], waitsFor: { kind: 'person', who: [] }, timeoutMs: 60_000 },
      ...release,
    ],
  });

  it('goes on when a gate is approved, and only then; the decision is in the journal before what it lets go (R-DCO-36)', async () => {
    const { state, events } = await runPlan(
      gated(doing('build'), doing('release', {}, after('ok'))),
      {},
      {
        gatekeeper: deciding({ kind: 'approved', by: 'anna', at: 5 }),
      },
    );
    assert.equal(state.outcome, 'passed');
    const at = (kind: RunEvent['kind'], stage?: string) =>
      events.findIndex((event) => event.kind === kind && (stage === undefined || ('stage' in event && event.stage === stage)));
    assert.ok(at('gate.opened') < at('gate.decided') && at('gate.decided') < at('stage.queued', 'release'));
    assert.deepEqual(state.nodes.get('ok')?.kind === 'gate' && state.nodes.get('ok'), {
      kind: 'gate',
      name: 'ok',
      phase: 'finished',
      outcome: 'passed',
      openedAt: events[at('gate.opened')]?.at,
      finishedAt: events[at('gate.decided')]?.at,
      decision: { kind: 'approved', by: 'anna', at: 5 },
    });
  });

  it('skips what waits behind a gate that is refused (R-DCO-37)', async () => {
    const { state } = await runPlan(
      gated(doing('build'), doing('release', {}, after('ok'))),
      {},
      {
        gatekeeper: deciding({ kind: 'rejected', by: 'bob', at: 5 }),
      },
    );
    assert.deepEqual(stageOf(state, 'release').skip, { kind: 'need', node: 'ok', outcome: 'failed' });
    assert.equal(state.outcome, 'failed');
  });

  it('makes nothing ready behind an open gate', async () => {
    const clock = virtualClock({ whenIdle: 'run' });
    const runtime = fakeRuntime({ clock });
    const calls: string[] = [];
    const prepared: typeof runtime = { ...runtime, prepare: (...given) => (calls.push(given[0].stage.name), runtime.prepare(...given)) };
    const slow = doing('slow', { FAKE_SLEEP_MS: '5000' });
    const plan = gated(doing('build'), slow, doing('release', {}, after('ok', 'slow')), doing('notify', {}, after('release')));
    const journal = plannedJournal(plan);
    const sink = { ...quietSink, event: (event: RunEvent) => void (event.kind === 'gate.decided' && calls.push('decided')) };
    const { state } = await execute(
      depsFor(journal, clock, {
        runtime: prepared,
        sink,
        gatekeeper: { ...nobody, decided: () => after30s(clock, { kind: 'approved', by: 'anna', at: 5 }) },
      }),
      optionsFor({ concurrency: 8 }),
    );
    assert.equal(state.outcome, 'passed');
    assert.deepEqual(new Set(calls.slice(0, calls.indexOf('decided'))), new Set(['build', 'slow']));
  });

  it('takes the first of several decisions, and none that comes too late', async () => {
    const late = await runPlan(gated(doing('build')), {}, { gatekeeper: deciding({ kind: 'approved', by: 'anna', at: 10 ** 15 }) });
    assert.equal(late.state.outcome, 'failed');
    const journal = plannedJournal(gated(doing('build')));
    const clock = virtualClock({ whenIdle: 'run' });
    const { state } = await execute(
      depsFor(journal, clock, { gatekeeper: { ...nobody, decided: () => after30s(clock, { kind: 'approved', by: 'anna', at: 5 }) } }),
      optionsFor(),
    );
    assert.ok(clock.now() < 60_000);
    assert.equal(state.outcome, 'passed');
    assert.equal(journal.events.filter(({ kind }) => kind === 'gate.decided').length, 1);
  });

  it('no longer asks about a gate when the run is cancelled', async () => {
    const cancel = new AbortController();
    const asked = Promise.withResolvers<AbortSignal>();
    const running = runPlan(
      gated(doing('build')),
      {
        cancel: cancel.signal,
      },
      {
        gatekeeper: { ...nobody, decided: (_gate, signal) => (asked.resolve(signal), new Promise(() => {})) },
        clock: virtualClock(),
      },
    );
    const signal = await asked.promise;
    cancel.abort('anna');
    assert.equal((await running).state.outcome, 'cancelled');
    assert.equal(signal.aborted, true);
  });

  it('sweeps the run when it is over', async () => {
    const clock = virtualClock({ whenIdle: 'run' });
    const world = fakeWorld();
    await execute(depsFor(plannedJournal(planOf([doing('a')])), clock, { runtime: fakeRuntime({ clock, world }) }), optionsFor());
    assert.deepEqual(world.runs(), []);
  });
});

describe('execute, given the journal of a process that died', () => {
  const waiting = (timeoutMs: number) => {
    const gate: Gate = { kind: 'gate', name: 'ok', needs: [], waitsFor: { kind: 'person', who: [] }, timeoutMs };
    const plan: Plan = { ...planOf([]), nodes: [gate, doing('release', {}, after('ok'))] };
    const journal = plannedJournal(plan);
    const opened = stamped([{ kind: 'gate.opened', gate: 'ok' }], journal.events.length, 1000);
    journal.events.push(...opened);
    return { ...journal, past: [...journal.events] };
  };

  it('takes the decision that was made about a gate meanwhile, also when its time is over by now, but none made later', async () => {
    for (const [at, outcome] of [
      [5_000, 'passed'],
      [11_000, 'failed'],
    ] as const) {
      const journal = waiting(10_000);
      const decision: Decision = { kind: 'approved', by: 'anna', at };
      const gatekeeper = { made: async () => decision, decided: async () => decision };
      const clock = virtualClock({ startAt: 3_600_000, whenIdle: 'run' });
      const { state } = await execute(depsFor(journal, clock, { gatekeeper }), optionsFor());
      assert.equal(state.outcome, outcome);
      assert.equal(journal.events.filter(({ kind }) => kind === 'gate.decided').length, 1);
    }
  });

  it('ends as undisturbed, each attempt let go once, wherever the journal was cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        randomPlan(6),
        fc.nat(),
        fc.array(fc.constantFrom('0', '0', '0', '1'), { minLength: 6, maxLength: 6 }),
        async (shape, cut, exits) => {
          const plan: Plan = {
            ...shape,
            nodes: shape.nodes.map((node, i) =>
              node.kind === 'stage'
                ? {
                    ...node,
                    env: literal({ FAKE_EXIT: exits[i] ?? '0', FAKE_STDOUT: `${node.name} says\n`, FAKE_SLEEP_MS: `${(i % 3) * 100}` }),
                  }
                : node,
            ),
          };
          const whole = await runPlan(plan);
          const resumed = await runAndCrash(plan, [cut % (whole.events.length - 4)]);
          assert.deepEqual(endsOf(resumed.state), endsOf(whole.state));
          assert.deepEqual(fold(resumed.events), resumed.state);
          for (const node of plan.nodes) assert.equal(await logOf(resumed.results, node.name), await logOf(whole.results, node.name));
        },
      ),
      { numRuns: 150 },
    );
  });
});

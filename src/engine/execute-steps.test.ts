import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stage, Variable } from '../plan/plan.ts';
import { fold } from '../run/fold.ts';
import type { RunEvent } from '../run/run-event.ts';
import type { RunState } from '../run/run-state.ts';
import { causeText } from './cause.ts';
import { logOf, runAndCrash, runPlan, stageOf } from './testing/fake-run.ts';
import { step, stepping } from './testing/fake-steps.ts';
import { planOf } from './testing/random-plan.ts';

const told = (events: readonly RunEvent[]): readonly unknown[] =>
  events.flatMap((event) => {
    if (event.kind === 'step.started') return [[event.step, event.log.stdout, event.log.stderr]];
    return event.kind === 'step.finished' ? [[event.step, event.outcome, event.exitCode]] : [];
  });

const endOf = (state: RunState, stage = 'build') => {
  const attempt = stageOf(state, stage).attempts.at(-1);
  assert.ok(attempt !== undefined);
  return attempt;
};

const steps = (state: RunState) => endOf(state).steps.map(({ id, outcome }) => [id, outcome]);

test('each step is told with its beginning, its end, its code and its times (R-WRK-19, R-WRK-164)', async () => {
  const build = stepping('build', [
    step('one', { FAKE_STDOUT: 'first\n', FAKE_SLEEP_MS: '1000' }),
    step('two', { FAKE_STDERR: 'oh\n', FAKE_SLEEP_MS: '500' }),
  ]);
  const { state, events, results } = await runPlan(planOf([build]));
  assert.deepEqual(told(events), [
    ['one', 0, 0],
    ['one', 'passed', 0],
    ['two', 6, 0],
    ['two', 'passed', 0],
  ]);
  assert.deepEqual(
    endOf(state).steps.map(({ id, startedAt, finishedAt }) => [id, startedAt, finishedAt]),
    [
      ['one', 0, 1000],
      ['two', 1000, 1500],
    ],
  );
  assert.equal(await logOf(results, 'build'), 'first\noh\n');
  assert.equal(state.outcome, 'passed');
  assert.deepEqual(fold(events), state);
});

test('the variables of a run and of its steps are made of what is so of it', async () => {
  const variable = (name: string): Variable => ({
    name,
    value: { kind: 'run', parts: [`${name} of `, { is: 'id' }, ' by ', { is: 'started-by' }] },
  });
  const look = step('look', { FAKE_PRINT_ENV: '1' });
  const build = stepping('build', [{ ...look, variables: [...look.variables, variable('OWN')] }]);
  const { command } = build;
  assert.ok(command.kind === 'steps');
  const plan = planOf([{ ...build, command: { ...command, variables: [variable('ALL')] } }]);
  const { state, results } = await runPlan(plan, {}, {}, { id: 'run_1' });
  assert.equal(await logOf(results, 'build'), 'ALL=ALL of run_1 by \nOWN=OWN of run_1 by \n');
  assert.deepEqual([state.outcome, state.plan], ['passed', plan]);
});

test('what is about to be done around the steps is told, in its order, also when a step failed (R-WRK-129, R-WRK-165)', async () => {
  for (const code of ['0', '1']) {
    const { events } = await runPlan(planOf([stepping('build', [step('setup', { FAKE_EXIT: code })])]));
    const order = events.flatMap((event) => {
      if (event.kind === 'stage.noted') return event.aside ? [event.text] : [];
      return ['image.resolved', 'stage.started', 'step.finished', 'stage.finished'].includes(event.kind) ? [event.kind] : [];
    });
    assert.deepEqual(order, [
      'image.resolved',
      'environment variables',
      'stage.started',
      'step.finished',
      'saving build output',
      'stage.finished',
    ]);
  }
});

test('the first step that fails is the last, and the stage fails for it with what it said (R-WRK-25, R-WRK-159, R-WRK-172)', async () => {
  const build = stepping('build', [
    step('one'),
    step('two', { FAKE_EXIT: '2', FAKE_MESSAGE: '3 of 9 tests' }, { name: 'npm test' }),
    step('three'),
  ]);
  const { state, results } = await runPlan(planOf([build]));
  assert.deepEqual(steps(state), [
    ['one', 'passed'],
    ['two', 'failed'],
  ]);
  const { cause, outcome } = endOf(state);
  assert.equal(outcome, 'failed');
  assert.ok(cause !== undefined);
  assert.deepEqual(cause, { kind: 'exit', code: 2, step: { id: 'two', name: 'npm test', message: '3 of 9 tests' } });
  assert.equal(causeText(cause), 'step "npm test" failed with exit code 2: 3 of 9 tests');
  assert.match(await documentOf(results), /step \\"npm test\\" failed with exit code 2: 3 of 9 tests/);
});

const documentOf = async (results: Awaited<ReturnType<typeof runPlan>>['results']): Promise<string> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of (await results.open('run_1', 'build.json')) ?? []) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString();
};

for (const [code, outcome] of [
  ['0', 'passed'],
  ['1', 'failed'],
] as const) {
  test(`steps of "after" run after steps that ${outcome}, and change nothing when they fail (R-WRK-48, R-WRK-51)`, async () => {
    const build = stepping('build', [step('one', { FAKE_EXIT: code })], [step('good'), step('bad', { FAKE_EXIT: '7' })]);
    const { state } = await runPlan(planOf([build]));
    assert.deepEqual(steps(state), [
      ['one', outcome],
      ['good', 'passed'],
      ['bad', 'failed'],
    ]);
    assert.equal(state.outcome, outcome);
    assert.equal(endOf(state).cause?.step?.id, outcome === 'failed' ? 'one' : undefined);
  });
}

for (const [limit, timeouts] of [
  ['total', { totalMs: 2000 }],
  ['silent', { silentMs: 2000 }],
] as const) {
  test(`a step over its ${limit} limit is ended, the others do not run, those of "after" do, and the stage fails for it`, async () => {
    const build = stepping(
      'build',
      [step('first', { FAKE_SLEEP_MS: '5000' }), step('slow', { FAKE_SLEEP_MS: '3600000' }, { timeouts }), step('never')],
      [step('report')],
    );
    const { state } = await runPlan(planOf([build]));
    assert.deepEqual(steps(state), [
      ['first', 'passed'],
      ['slow', 'failed'],
      ['report', 'passed'],
    ]);
    const { cause, finishedAt } = endOf(state);
    assert.deepEqual(cause, { kind: 'timeout', limit, ms: 2000, step: { id: 'slow', name: 'slow' } });
    assert.equal(finishedAt, 7000);
    assert.deepEqual(endOf(state).steps[1]?.cause, { kind: 'timeout', limit, ms: 2000 });
  });
}

test('a step that stood when the whole stage had its time ends with it', async () => {
  const build = stepping('build', [step('slow', { FAKE_SLEEP_MS: '3600000' })], [step('report')], { timeouts: { totalMs: 3000 } });
  const { state } = await runPlan(planOf([build]));
  assert.deepEqual(steps(state), [['slow', 'failed']]);
  assert.deepEqual(endOf(state).cause, { kind: 'timeout', limit: 'total', ms: 3000 });
});

test('a step that runs when the run is cancelled is cancelled', async () => {
  const cancel = new AbortController();
  const build = stepping('build', [step('slow', { FAKE_STDOUT: 'here', FAKE_SLEEP_MS: '3600000' })]);
  const sink = { event: () => {}, note: () => {}, log: () => cancel.abort('me') };
  const { state } = await runPlan(planOf([build]), { cancel: cancel.signal }, { sink });
  assert.deepEqual(steps(state), [['slow', 'cancelled']]);
  assert.equal(state.outcome, 'cancelled');
});

test('numbers and messages of steps are kept, without secrets; of a sensitive stage nothing (R-WRK-158)', async () => {
  const env: Stage['env'] = { TOKEN: { kind: 'secret', name: 'TOKEN' } };
  const says = { FAKE_MESSAGE: 'was s3cr3t-s3cr3t', FAKE_NUMBERS: '{"coverage":"81.5"}' };
  const plan = planOf([
    stepping('build', [step('one', says)], [], { env }),
    stepping('quiet', [step('one', says)], [], { env, sensitive: true }),
  ]);
  const { state } = await runPlan(plan, {}, { outside: { variable: () => undefined, secret: () => 's3cr3t-s3cr3t' } });
  const [kept] = endOf(state).steps;
  assert.deepEqual([kept?.message, kept?.numbers], ['was *************', { coverage: '81.5' }]);
  const [quiet] = endOf(state, 'quiet').steps;
  assert.deepEqual([quiet?.outcome, quiet?.message, quiet?.numbers], ['passed', undefined, undefined]);
});

test('the values of variables reach the runtime resolved and in their order', async () => {
  const build: Stage = {
    ...stepping('build', []),
    command: {
      kind: 'steps',
      variables: [
        { name: 'A', value: { kind: 'literal', value: '1' } },
        { name: 'TOKEN', value: { kind: 'secret', name: 'TOKEN' } },
        { name: 'B', value: { kind: 'expanded', text: '$A/b' } },
      ],
      steps: [
        step('one', { FAKE_PRINT_ENV: '1', OWN: 'mine' }, {}),
        { ...step('two', { FAKE_PRINT_ENV: '1' }), variables: [{ name: 'FAKE_PRINT_ENV', value: { kind: 'literal', value: '1' } }] },
      ],
      after: [],
    },
  };
  const outside = { variable: () => undefined, secret: () => 'a-long-secret' };
  const { results } = await runPlan(planOf([build]), {}, { outside });
  assert.equal(await logOf(results, 'build'), 'A=1\nTOKEN=*************\nB=$A/b\nOWN=mine\nA=1\nTOKEN=*************\nB=$A/b\n');
});

test('wherever cion dies, each step is told once and the stage ends for the same cause', async () => {
  const build = stepping(
    'build',
    [
      step('one', { FAKE_STDOUT: 'a', FAKE_SLEEP_MS: '10' }),
      step('two', { FAKE_STDOUT: 'bb', FAKE_EXIT: '3', FAKE_MESSAGE: 'no' }),
      step('three'),
    ],
    [step('report', { FAKE_STDOUT: 'ccc', FAKE_SLEEP_MS: '10' })],
  );
  for (let life = 1; life < 12; life++) {
    const { state, events, results } = await runAndCrash(planOf([build]), [life, 2]);
    assert.deepEqual(
      told(events),
      [
        ['one', 0, 0],
        ['one', 'passed', 0],
        ['two', 1, 0],
        ['two', 'failed', 3],
        ['report', 3, 0],
        ['report', 'passed', 0],
      ],
      `life ${life}`,
    );
    assert.deepEqual(endOf(state).cause, { kind: 'exit', code: 3, step: { id: 'two', name: 'two', message: 'no' } });
    assert.equal(await logOf(results, 'build'), 'abbccc');
  }
});

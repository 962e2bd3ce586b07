import assert from 'node:assert/strict';
import { json } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { digestOf } from '../lib/canonical-json.ts';
import { virtualClock } from '../lib/virtual-clock.ts';
import type { Plan, Stage } from '../plan/plan.ts';
import { memoryResults } from '../results/memory/memory-results.ts';
import type { StageDocument } from '../results/results.ts';
import { fold } from '../run/fold.ts';
import { stamped } from '../run/journal.ts';
import { fakeRuntime, fakeWorld } from '../runtimes/fake/fake-runtime.ts';
import { execute } from './execute.ts';
import { doing, endsOf, logOf, runAndCrash, runPlan, stageOf } from './testing/fake-run.ts';
import { depsFor, optionsFor, plannedJournal } from './testing/memory-run.ts';

/**
 * 60 stages in 12 rows of 5: each needs two of the row before. Among them some that fail for good, some that pass when tried again, some
 * with a `done`, an image, files for others, and in the last row clean-ups.
 */
const diamond = (): Plan => {
  const rows = 12;
  const columns = 5;
  const name = (row: number, column: number): string => `s${row}-${(column + columns) % columns}`;
  const stageAt = (row: number, column: number): Stage => {
    const own = name(row, column);
    const kind = (row * columns + column) % 11;
    const isCleanUp = row === rows - 1;
    const needs = row === 0 ? [] : [name(row - 1, column), name(row - 1, column + 1)];
    return doing(
      own,
      {
        FAKE_STDOUT: `${own} says\n`,
        FAKE_SLEEP_MS: `${((row + column) % 3) * 50}`,
        FAKE_WRITE: JSON.stringify({ '/w/made': own, '/w/out/x': 'x' }),
        FAKE_EXIT: kind === 3 ? '1,0' : kind === 7 && row > 5 ? '1' : '0',
        ...(kind === 5 ? { FAKE_DONE_STDOUT: 'is there\n', FAKE_DONE_SLEEP_MS: '30', FAKE_DONE_EXIT: '1,0' } : {}),
      },
      {
        needs: needs.map((node) => ({ node, on: isCleanUp ? 'finished' : 'passed' })),
        always: isCleanUp,
        retry: { attempts: 2, on: ['failed'] },
        artifacts: { volume: own, directory: own, except: ['out'] },
        mounts: [
          { kind: 'volume', volume: own, path: '/w', access: 'read-write' },
          ...needs.map((stage) => ({ kind: 'artifacts', stage, path: `/in/${stage}` }) as const),
        ],
        ...(kind === 5 ? { done: { command: { kind: 'image' }, timeouts: {} } } : {}),
        ...(kind === 8 ? { commit: { names: [] } } : {}),
      },
    );
  };
  const nodes = Array.from({ length: rows * columns }, (_, i) => stageAt(Math.floor(i / columns), i % columns));
  return { version: 1, pipeline: 'diamond', nodes, volumes: nodes.map((node) => ({ name: node.name, from: 'empty' })) };
};

describe('execute, killed and resumed again and again', () => {
  it('ends a diamond of 60 stages with failures, retries and clean-ups as if it had not been disturbed', async () => {
    const plan = diamond();
    const whole = await runPlan(plan);
    const outcomes = new Set([...whole.state.nodes.values()].map((node) => node.outcome));
    assert.deepEqual(outcomes, new Set(['passed', 'failed', 'skipped']));
    const facts = (state: typeof whole.state) =>
      [...state.nodes.values()].map((node) =>
        node.kind === 'stage'
          ? node.attempts.map(({ tree, committed, output, artifacts }) => ({ tree, committed, output, artifacts }))
          : [],
      );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 80 }), { minLength: 1, maxLength: 12 }), async (lives) => {
        const resumed = await runAndCrash(plan, lives);
        assert.deepEqual(endsOf(resumed.state), endsOf(whole.state));
        assert.deepEqual(facts(resumed.state), facts(whole.state));
        assert.deepEqual(fold(resumed.events), resumed.state);
        const letGo = resumed.events.flatMap((event) => (event.kind === 'stage.started' ? [`${event.stage}/${event.attempt}`] : []));
        assert.equal(new Set(letGo).size, letGo.length);
        for (const { name } of plan.nodes) {
          for (const part of [undefined, 'done'] as const) {
            assert.equal(await logOf(resumed.results, name, part), await logOf(whole.results, name, part));
          }
        }
      }),
      { numRuns: 4 },
    );
  });

  it('hands on the exact output of a stage in a run with secrets, and keeps its log once, also when it was resumed amid it', async () => {
    const secret = 'tok-7f3a9c';
    const said = `first\ntoken ${secret}\n`;
    const giver = doing('giver', { FAKE_STDOUT: said, FAKE_STDERR: 'aside\n', FAKE_SLEEP_MS: '50' });
    const taker = doing('taker', {}, { needs: [{ node: 'giver', on: 'passed' }] });
    const plan: Plan = {
      version: 1,
      pipeline: 'p',
      nodes: [
        { ...giver, env: { ...giver.env, TOKEN: { kind: 'secret', name: 'TOKEN' } } },
        { ...taker, env: { GIVEN: { kind: 'output', stage: 'giver' } } },
      ],
      volumes: [],
    };
    const outside = { variable: () => undefined, secret: () => secret };
    const crashed = await runAndCrash(plan, [5], {}, { outside });
    assert.equal(crashed.events.filter(({ kind }) => kind === 'run.resumed').length, 1);
    assert.equal(stageOf(crashed.state, 'giver').attempts[0]?.output?.digest, digestOf(said));
    assert.equal(await logOf(crashed.results, 'giver'), `first\ntoken ${'*'.repeat(secret.length)}\naside\n`);
    assert.equal(crashed.state.outcome, 'passed');
  });

  it('keeps the log that there is of a command whose container is gone', async () => {
    const clock = virtualClock({ whenIdle: 'run' });
    const results = memoryResults();
    const plan: Plan = { version: 1, pipeline: 'p', nodes: [doing('a'), doing('b')], volumes: [] };
    const journal = plannedJournal(plan);
    for (const stage of ['a', 'b']) {
      const container = `container-of-${stage}`;
      const facts = [
        { kind: 'stage.queued', stage, attempt: 1 },
        { kind: 'stage.started', stage, attempt: 1, container },
      ] as const;
      await journal.append(stamped(facts, journal.events.length, clock.now()));
    }
    const log = await results.begin({ run: 'run_1', stage: 'a', attempt: 1 }, clock.now());
    await log.append({ stream: 'stdout', bytes: Buffer.from('said before'), at: clock.now() });
    const past = [...journal.events];
    const { state } = await execute(
      depsFor({ ...journal, past }, clock, { results, runtime: fakeRuntime({ clock, world: fakeWorld() }) }),
      optionsFor(),
    );
    assert.equal(stageOf(state, 'a').attempts[0]?.outcome, 'errored');
    assert.equal(await logOf(results, 'a'), 'said before');
    const documentOf = async (name: string) => json((await results.open('run_1', `${name}.json`)) ?? assert.fail());
    assert.equal(((await documentOf('a')) as StageDocument).logs, 'run/run_1/a.log');
    assert.equal(((await documentOf('b')) as StageDocument).logs, null);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { virtualClock } from '../lib/virtual-clock.ts';
import type { Plan, Stage } from '../plan/plan.ts';
import { reference, stage } from '../plan/stage.ts';
import { fold } from '../run/fold.ts';
import { stamped } from '../run/journal.ts';
import { execute } from './execute.ts';
import { stagesAgain } from './stages-again.ts';
import { depsFor, optionsFor, plannedJournal } from './testing/memory-run.ts';

const image = reference('busybox:latest');
const doing = (name: string, exit: string, needs: readonly string[], more: Partial<Stage> = {}): Stage =>
  stage({
    name,
    image,
    env: { FAKE_EXIT: { kind: 'literal', value: exit } },
    needs: needs.map((node) => ({ node, on: 'passed' })),
    ...more,
  });
const planOf = (nodes: readonly Stage[]): Plan => ({ version: 1, pipeline: 'p', nodes, volumes: [{ name: 'artifacts', from: 'empty' }] });

const runOnce = async (plan: Plan) => {
  const journal = plannedJournal(plan);
  const { state } = await execute(depsFor(journal, virtualClock({ whenIdle: 'run' })), optionsFor());
  return { journal, state };
};

describe('execute, after run.rerun', () => {
  it('makes another attempt of the same run (R-CIO-33)', async () => {
    const plan = planOf([doing('build', '1', []), doing('release', '0', ['build'])]);
    const { journal, state } = await runOnce(plan);
    await journal.append(
      stamped(
        [{ kind: 'run.rerun', stages: stagesAgain(plan, state, 'failed'), trigger: { kind: 'manual', by: 'me' } }],
        journal.events.length,
        1,
      ),
    );
    const second = await execute(depsFor({ ...journal, past: [...journal.events] }, virtualClock({ whenIdle: 'run' })), optionsFor());
    const build = second.state.nodes.get('build');
    assert.deepEqual(build?.kind === 'stage' && build.attempts.map((attempt) => [attempt.attempt, attempt.outcome]), [
      [1, 'failed'],
      [2, 'failed'],
    ]);
    assert.equal(second.state.run, state.run);
    assert.equal(journal.events.filter((event) => event.kind === 'run.finished').length, 2);
    assert.deepEqual(fold(journal.events), second.state);
  });
});

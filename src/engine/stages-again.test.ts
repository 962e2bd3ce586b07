import { deepEqual } from 'node:assert/strict';
import { test } from 'node:test';
import type { Access, Mount, Plan, Stage } from '../plan/plan.ts';
import { reference, stage } from '../plan/stage.ts';
import { fold } from '../run/fold.ts';
import type { RunFact } from '../run/run-event.ts';
import type { RunState } from '../run/run-state.ts';
import { stagesAgain } from './stages-again.ts';

const node = (name: string, needs: readonly string[], more: Partial<Stage> = {}): Stage =>
  stage({ name, image: reference('busybox'), needs: needs.map((need) => ({ node: need, on: 'passed' as const })), ...more });

const planOf = (...nodes: readonly Stage[]): Plan => ({ version: 1, pipeline: 'p', nodes, volumes: [] });

/** A run in which the named stages failed and all others passed. */
const ended = (plan: Plan, failed: readonly string[], only?: readonly string[]): RunState => {
  const facts: readonly RunFact[] = [
    { kind: 'run.created', run: 'run_1', number: 1, project: 'p', trigger: { kind: 'manual', by: 'ada' } },
    { kind: 'run.planned', plan, digest: '', ...(only === undefined ? {} : { only }) },
    ...plan.nodes.flatMap(({ name }): readonly RunFact[] => [
      { kind: 'stage.queued', stage: name, attempt: 1 },
      { kind: 'stage.finished', stage: name, attempt: 1, outcome: failed.includes(name) ? 'failed' : 'passed' },
    ]),
  ];
  const state = fold(facts.map((fact, index) => ({ seq: index + 1, at: index, ...fact })));
  if (state === undefined) throw new Error('no run');
  return state;
};

const mount = (volume: string, access: Access): readonly Mount[] => [{ kind: 'volume', volume, path: '/v', access }];

test('all means all that the run was about', () => {
  const plan = planOf(node('a', []), node('b', ['a']), node('c', []));
  deepEqual(stagesAgain(plan, ended(plan, []), 'all'), ['a', 'b', 'c']);
  deepEqual(stagesAgain(plan, ended(plan, [], ['a', 'b']), 'all'), ['a', 'b']);
});

test('what failed goes again with all that needs it, and what passed stays', () => {
  const plan = planOf(node('a', []), node('b', ['a']), node('c', ['b']), node('d', []));
  deepEqual(stagesAgain(plan, ended(plan, ['b']), 'failed'), ['b', 'c']);
  deepEqual(stagesAgain(plan, ended(plan, []), 'failed'), []);
});

test('who wrote into a volume that a failed stage sees goes again too, for the volume is gone', () => {
  const plan = planOf(
    node('build', [], { mounts: mount('work', 'read-write') }),
    node('lint', []),
    node('test', ['build', 'lint'], { mounts: mount('work', 'read-only') }),
  );
  deepEqual(stagesAgain(plan, ended(plan, ['test']), 'failed'), ['build', 'test']);
});

test('who made the image or the secret output of a failed stage goes again too; an output in a log does not need it', () => {
  const env = { token: { kind: 'output', stage: 'login' } } as const;
  const plan = planOf(
    node('image', []),
    node('login', [], { sensitive: true }),
    node('version', []),
    node('use', ['image', 'login', 'version'], {
      image: { kind: 'stage', stage: 'image' },
      env,
      files: [{ path: '/v', value: { kind: 'output', stage: 'version' } }],
    }),
  );
  deepEqual(stagesAgain(plan, ended(plan, ['use']), 'failed'), ['image', 'login', 'use']);
});

test('who left the files that a failed stage mounts goes again too', () => {
  const plan = planOf(
    node('make', [], { artifacts: { volume: 'make' } }),
    node('other', [], { artifacts: { volume: 'other' } }),
    node('use', ['make', 'other'], { mounts: [{ kind: 'artifacts', stage: 'make', path: '/in' }] }),
  );
  deepEqual(stagesAgain(plan, ended(plan, ['use']), 'failed'), ['make', 'use']);
});

test('a printed image is in a registry or on the engine still: who printed it goes again only when it was a secret', () => {
  const image = { kind: 'output', stage: 'print' } as const;
  const plan = (sensitive: boolean): Plan => planOf(node('print', [], { sensitive }), node('use', ['print'], { image }));
  deepEqual(stagesAgain(plan(false), ended(plan(false), ['use']), 'failed'), ['use']);
  deepEqual(stagesAgain(plan(true), ended(plan(true), ['use']), 'failed'), ['print', 'use']);
});

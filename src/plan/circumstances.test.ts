import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { askedCircumstances, stagesOfTheRun, textOf, withCircumstances } from './circumstances.ts';
import { planDigest } from './digest.ts';
import type { Command, Plan, RunPart, RunValue } from './plan.ts';
import { reference, stage, valuesOf } from './stage.ts';

const value = (...parts: readonly RunPart[]): RunValue => ({ kind: 'run', parts });
const steps = (of: RunValue): Command => ({
  kind: 'steps',
  variables: [{ name: 'A', value: of }],
  steps: [{ id: 's', name: 's', variables: [{ name: 'B', value: of }], action: { kind: 'script', script: '$ID' }, timeouts: {} }],
  after: [{ id: 't', name: 't', variables: [{ name: 'C', value: of }], action: { kind: 'script', script: '' }, timeouts: {} }],
});
const asking = (of: RunValue) =>
  stage({
    name: 'asks',
    image: reference('busybox'),
    command: steps(of),
    done: { command: steps(of), timeouts: {} },
    env: { D: of, E: { kind: 'outside', name: 'E' } },
    files: [{ path: '/f', value: of }],
    services: [
      {
        name: 'db',
        image: reference('db'),
        command: { kind: 'image' },
        env: { G: of },
        ports: [],
        privileged: false,
        ready: { kind: 'running', timeoutMs: 1 },
      },
    ],
  });
const planOf = (...nodes: Plan['nodes']): Plan => ({ version: 1, pipeline: 'p', nodes, volumes: [] });

describe('what is so of a run', () => {
  it('is filled in wherever a stage has a value of it, between the texts around it', () => {
    const filled = withCircumstances(asking(value('at ', { is: 'id' }, '-', { is: 'branch' }, { is: 'tag' })), {
      id: 'run_1',
      branch: 'main',
    });
    const values = valuesOf(filled);
    assert.equal(values.length, 10);
    assert.deepEqual(
      values.filter(({ kind }) => kind !== 'outside'),
      Array.from({ length: 9 }, () => ({ kind: 'literal', value: 'at run_1-main' })),
    );
  });

  it('is text and is not read again: braces, dollars and line ends in it stay', () => {
    assert.equal(textOf(value({ is: 'branch' }, '{id}'), { branch: '$ID {id}\n', id: 'x' }), '$ID {id}\n{id}');
  });

  it('is kept of a run as far as its plan asks for it, and its plan has one digest', () => {
    const asks = planOf(asking(value({ is: 'id' }, { is: 'tag' })), stage({ name: 'other', image: reference('busybox') }));
    assert.deepEqual(askedCircumstances(asks, { id: 'run_1', 'started-by': 'ada' }), { id: 'run_1' });
    assert.deepEqual([...stagesOfTheRun(asks)], ['asks']);
    assert.deepEqual(askedCircumstances(planOf(), { id: 'run_1' }), {});
    assert.notEqual(planDigest(asks), planDigest(planOf(asking(value({ is: 'id' })))));
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Commit, Plan, PlanNode } from './plan.ts';
import { reference, stage } from './stage.ts';
import { withCommit } from './with-commit.ts';

const plain = (name: string) => stage({ name, image: reference('busybox') });
const box = { ...plain('build'), command: { kind: 'steps', variables: [], steps: [], after: [] } } as const;
const planOf = (...nodes: readonly PlanNode[]): Plan => ({ version: 1, pipeline: 'p', nodes, volumes: [] });
const commit: Commit = { names: ['team/app:{run}', 'team/app:{outcome}'], when: 'ended', push: true, steps: true };
const committed = (plan: Plan) => {
  const found = withCommit(plan, commit);
  return found.ok
    ? found.value.nodes.map((node) => (node.kind === 'stage' ? node.commit : undefined))
    : found.problems.map(({ code }) => code);
};

test('the only stage of a plan becomes the image, whether it passes or not, and after each step', () => {
  assert.deepEqual(committed(planOf(plain('one'))), [commit]);
});

test('the stage of steps becomes the image when there are others beside it', () => {
  assert.deepEqual(committed(planOf(plain('before'), box)), [undefined, commit]);
});

test('names that the text gives stay, each once', () => {
  const own = { ...box, commit: { names: ['mine:1', 'team/app:{run}'] } };
  assert.deepEqual(committed(planOf(own)), [{ ...commit, names: ['mine:1', 'team/app:{run}', 'team/app:{outcome}'] }]);
});

test('a plan in which it is not clear what becomes the image is refused', () => {
  assert.deepEqual(committed(planOf(plain('one'), plain('two'))), ['COMMIT_UNCLEAR']);
  assert.deepEqual(committed(planOf()), ['COMMIT_UNCLEAR']);
});

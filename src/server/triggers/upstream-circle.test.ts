import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Upstream } from '../../store/upstreams.ts';
import { begunBy, upstreamCircle } from './upstream-circle.ts';

const upstream = (project: string, after: Upstream['after'], wants: Upstream['wants'] = {}): Upstream => ({
  id: JSON.stringify([project, after, wants]),
  project,
  after,
  wants,
  by: 'ada',
  createdAt: 0,
});

/** The way round that the last of these would make. */
const circle = async (...upstreams: readonly Upstream[]): Promise<readonly string[] | undefined> => {
  const added = upstreams.at(-1) ?? assert.fail();
  const found = await upstreamCircle(added, {
    followers: async (project) => upstreams.slice(0, -1).filter(({ after }) => after.project === project),
    defaultBranchOf: async () => 'main',
  });
  return found?.map(begunBy);
};

test('a project after itself is a circle, and a further pipeline of it after another is none (atk-78)', async () => {
  const own = (pipeline: string | undefined, wanted: string | undefined) =>
    circle(upstream('a', { project: 'a', ...(pipeline && { pipeline }) }, { ...(wanted && { pipeline: wanted }) }));
  assert.deepEqual(await own(undefined, undefined), ['a']);
  assert.deepEqual(await own('build', undefined), ['a']);
  assert.deepEqual(await own('build', 'build'), ['a/build']);
  assert.deepEqual(await own(undefined, 'deploy'), ['a/deploy']);
  assert.equal(await own('build', 'deploy'), undefined);
});

test('projects after one another are a circle by whatever way it closes (atk-78)', async () => {
  const [ab, bc, ca] = [upstream('b', { project: 'a' }), upstream('c', { project: 'b' }), upstream('a', { project: 'c' })];
  assert.equal(await circle(ab, bc), undefined);
  assert.deepEqual(await circle(ab, bc, ca), ['a', 'b', 'c']);
  assert.deepEqual(await circle(ca, bc, ab), ['b', 'c', 'a']);
  const others = [upstream('x', { project: 'b' }), upstream('b', { project: 'x' })];
  assert.equal(await circle(...others, ab), undefined, 'a circle of others is none of this one');
  assert.deepEqual(await circle(...others, bc, ca, ab), ['b', 'c', 'a']);
});

test('what may be a circle only with another pipeline or branch than it begins is none (atk-78)', async () => {
  const back = (after: object, wants = {}) => circle(upstream('b', { project: 'a' }, wants), upstream('a', { project: 'b', ...after }));
  assert.equal(await back({ pipeline: 'deploy' }), undefined);
  assert.equal(await back({ pipeline: 'deploy' }, { pipeline: 'build' }), undefined);
  assert.deepEqual(await back({ pipeline: 'build' }, { pipeline: 'build' }), ['a', 'b/build']);
  assert.equal(await back({ branch: 'next' }), undefined);
  assert.deepEqual(await back({ branch: 'main' }), ['a', 'b']);
  assert.deepEqual(await back({ branch: 'next' }, { ref: 'refs/heads/next' }), ['a', 'b']);
  assert.equal(await back({ branch: 'v1' }, { ref: 'refs/tags/v1' }), undefined);
});

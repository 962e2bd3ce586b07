import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultSettings, type ProjectSettings } from '../../store/projects.ts';
import type { ForgeEvent } from '../forges/forge-event.ts';
import { wantedRuns } from './wanted-runs.ts';

const [a, b, c] = ['a', 'b', 'c'].map((letter) => letter.repeat(40)) as [string, string, string];
const by = { by: 'ada', actor: '7' };
const push = (more: Partial<ForgeEvent & { readonly kind: 'push' }> = {}): ForgeEvent => ({
  kind: 'push',
  ref: 'refs/heads/main',
  commit: c,
  commits: [
    { id: a, paths: ['src/a.ts'] },
    { id: b, paths: ['docs/a.md'] },
    { id: c, paths: ['README.md'] },
  ],
  isWhole: true,
  ...by,
  ...more,
});
const pull = (more: Partial<ForgeEvent & { readonly kind: 'pull-request' }> = {}): ForgeEvent => ({
  kind: 'pull-request',
  action: 'opened',
  number: 3,
  ref: 'refs/pull/3/head',
  commit: c,
  draft: false,
  fork: false,
  authors: ['7'],
  ...by,
  ...more,
});

const commitsOf = (event: ForgeEvent, settings: Partial<ProjectSettings> = {}): readonly (string | undefined)[] | string => {
  const wanted = wantedRuns({ name: 'ada/app', settings: { ...defaultSettings, ...settings } }, event);
  return wanted.kind === 'none' ? wanted.because : wanted.requests.map(({ commit }) => commit);
};

test('a push makes a run of its newest commit, or of each that it lists, the oldest first (R-CIO-32)', () => {
  assert.deepEqual(commitsOf(push()), [c]);
  assert.deepEqual(commitsOf(push(), { commits: 'all' }), [a, b, c]);
  assert.deepEqual(commitsOf(push({ commits: [] }), { commits: 'all' }), [c]);
  assert.deepEqual(commitsOf(push({ commits: [{ id: a, paths: [] }], isWhole: false }), { commits: 'all' }), [a, c]);
});

test('branches that the project does not run for make none, and those it takes out neither', () => {
  const feature = push({ ref: 'refs/heads/feature/x' });
  assert.deepEqual(commitsOf(feature, { branches: ['main', 'feature/*'] }), [c]);
  assert.match(String(commitsOf(feature, { branches: ['main'] })), /this branch/);
  assert.match(String(commitsOf(feature, { branches: ['!feature/**'] })), /this branch/);
});

test('a push that changes none of the paths makes none; where it is not known what it changes, it may be any', () => {
  assert.deepEqual(commitsOf(push(), { paths: ['src/**'] }), [c]);
  assert.deepEqual(commitsOf(push(), { paths: ['src/**'], commits: 'all' }), [a]);
  assert.match(String(commitsOf(push(), { paths: ['lib/**'] })), /none of the paths/);
  assert.match(String(commitsOf(push(), { paths: ['lib/**'], commits: 'all' })), /none of the paths/);
  assert.deepEqual(
    commitsOf(push({ commits: [{ id: b, paths: ['docs/a.md'] }] }), { paths: ['**', '!docs/**'] }),
    'It changes none of the paths for which the project runs.',
  );
  assert.deepEqual(commitsOf(push({ isWhole: false }), { paths: ['lib/**'] }), [c]);
  assert.deepEqual(commitsOf(push({ commits: [] }), { paths: ['lib/**'] }), [c]);
  assert.deepEqual(commitsOf(push({ commits: [{ id: c }] }), { paths: ['lib/**'] }), [c]);
});

test('kinds of triggers that the project did not choose make none', () => {
  const tag: ForgeEvent = { kind: 'tag', ref: 'refs/tags/v1', commit: c, ...by };
  for (const event of [push(), tag, pull()]) {
    assert.deepEqual(commitsOf(event), [c]);
    assert.match(String(commitsOf(event, { triggers: [] })), /does not run for/);
  }
});

test('drafts, and pull requests that end, make none', () => {
  assert.match(String(commitsOf(pull({ draft: true }))), /draft/);
  assert.match(String(commitsOf(pull({ action: 'closed' }))), /closed/);
  assert.deepEqual(commitsOf(pull({ action: 'updated' })), [c]);
});

test('two tags of one commit are two runs, the same tag is one', () => {
  const onceOf = (ref: string) => {
    const wanted = wantedRuns({ name: 'ada/app', settings: defaultSettings }, { kind: 'tag', ref, commit: c, ...by });
    return wanted.kind === 'runs' ? wanted.requests[0]?.once : undefined;
  };
  assert.equal(onceOf('refs/tags/v1'), `tag//${c}/refs/tags/v1`);
  assert.notEqual(onceOf('refs/tags/v1'), onceOf('refs/tags/v2'));
});

test('what is no commit makes no run, and says why', () => {
  const events: readonly ForgeEvent[] = [
    { kind: 'ping' },
    { kind: 'ref-deleted', ref: 'refs/heads/x' },
    { kind: 'repository-deleted' },
    { kind: 'repository-renamed', cloneUrl: '' },
    { kind: 'other', what: 'an event "star"' },
  ];
  for (const event of events) assert.match(String(commitsOf(event)), /^[A-Z].*\.$/);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { circumstancesOf } from './circumstances.ts';
import type { Given } from './dialect.ts';

const given: Given = { project: 'acme/web', variables: [], steps: new Map() };
const run = { id: 'run_1', number: 7, startedBy: 'ada', startedAt: 1_700_000_000_999 };

test('what is not known of a run is empty, and a project has a name without a repository too', () => {
  const { build, name, 'project-page': page, ...rest } = circumstancesOf(given);
  assert.deepEqual([build, name, page], ['build', 'web', 'cion:project/acme/web']);
  assert.deepEqual(
    Object.entries(rest).filter(([, value]) => value !== ''),
    [['project', 'acme/web']],
  );
});

test('a run is called by its id unless it was given a name, and begins at a second', () => {
  const { id, build, 'started-at': startedAt, 'run-page': page } = circumstancesOf({ ...given, run });
  assert.deepEqual([id, build, startedAt, page], ['run_1', 'run_1', '1700000000', 'cion:run/7']);
  assert.equal(circumstancesOf({ ...given, run: { ...run, build: 'nightly' } }).build, 'nightly');
});

test('a remote is told when all of it is known', () => {
  const source = { domain: 'git.example', owner: 'acme', repository: 'shop' };
  const { remote, name } = circumstancesOf({ ...given, source });
  assert.deepEqual([remote, name], ['git.example/acme/shop', 'shop']);
  assert.equal(circumstancesOf({ ...given, source: { ...source, domain: '' } }).remote, '');
});

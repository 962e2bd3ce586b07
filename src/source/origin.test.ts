import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { originOf } from './origin.ts';

const repository = (t: TestContext) => {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'cion origin ')));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  const person = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', '-c', 'commit.gpgsign=false'];
  const git = (...args: readonly string[]): string => execFileSync('git', [...person, ...args], { cwd: path, encoding: 'utf8' }).trim();
  git('init', '--quiet', '--initial-branch=main');
  git('commit', '--quiet', '--allow-empty', '--message', 'one');
  return { path, git };
};

test('a source is known by commit, branch, tag and the address it is from', async (t) => {
  const { path, git } = repository(t);
  const commit = git('rev-parse', 'HEAD');
  git('tag', 'v1.0');
  git('remote', 'add', 'origin', 'https://ada:s3cret@github.com/ada/engine.git');
  const address = { domain: 'github.com', owner: 'ada', repository: 'engine' };
  assert.deepEqual(await originOf(path), { commit, branch: 'main', tag: 'v1.0', ...address });
  git('commit', '--quiet', '--allow-empty', '--message', 'two');
  assert.deepEqual(await originOf(path, 'v1.0'), { commit, tag: 'v1.0', ...address });
  git('checkout', '--quiet', '--detach');
  assert.deepEqual(await originOf(path, 'main'), { commit: git('rev-parse', 'main'), branch: 'main', ...address });
  assert.equal('branch' in (await originOf(path)), false);
});

test('where nothing is known nothing is said', async (t) => {
  const { path, git } = repository(t);
  assert.deepEqual(await originOf(tmpdir()), {});
  git('remote', 'add', 'origin', '/srv/elsewhere');
  assert.deepEqual(Object.keys(await originOf(path)).sort(), ['branch', 'commit']);
});

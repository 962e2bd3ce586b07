import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const setup = (env: NodeJS.ProcessEnv, ...args: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/setup.mjs', ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return { status, stdout, stderr };
};

test('where everything is there, set-up says one line and is done', () => {
  assert.deepEqual(setup({}, '--no-engine'), { status: 0, stdout: '', stderr: 'setup: ready\n' });
});

test('an engine that was chosen and does not answer is named, with who chose it', () => {
  const { status, stderr } = setup({ DOCKER_HOST: 'unix:///nowhere/docker.sock' });
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^setup: DOCKER_HOST gives the engine unix:\/\/\/nowhere\/docker\.sock, but it does not answer \(.*ENOENT.*\)\. .*\n$/,
  );
});

test('an engine behind ssh is left alone', () => {
  const { status, stderr } = setup({ DOCKER_HOST: 'ssh://builder@far' });
  assert.equal(status, 0);
  assert.match(stderr, /ssh:\/\/builder@far, which set-up does not look into/);
});

test('a script runs after set-up with its arguments, and its exit code comes back', () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    ['scripts/with-setup.mjs', '--no-engine', 'scripts/test.ts', '--', 'no such test'],
    {
      encoding: 'utf8',
    },
  );
  assert.equal(status, 2);
  assert.equal(stderr, 'no test file has "no such test" in its path\n');
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cion } from './cli.ts';
import { repository } from './repository.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const skip = existsSync('/dev/full') ? false : 'there is no /dev/full';
const files = { '.cion.yml': 'build:\n  image: busybox\n  env: { FAKE_STDOUT: hello }\n' };

test('output that cannot be written is told, exit 3, and a run has ended properly before', { skip }, async (t) => {
  const cwd = repository(t, files);
  const full = openSync('/dev/full', 'w');
  t.after(() => closeSync(full));
  for (const args of [
    ['run', '--runtime', 'fake'],
    ['run', '--runtime', 'fake', '--json'],
    ['plan'],
    ['show'],
    ['logs', 'build'],
    ['--help'],
  ]) {
    const { status, stderr } = spawnSync(process.execPath, ['--', main, ...args], {
      cwd,
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    assert.equal(status, 3, `${args.join(' ')}: ${stderr}`);
    assert.equal(stderr.match(/cannot be written.*ENOSPC.*\[OUTPUT_UNWRITABLE\]/g)?.length, 1, stderr);
    assert.doesNotMatch(stderr, /fault of cion/);
  }
  const runs = (await cion(['runs', '--json'], { cwd })).out.trim().split('\n');
  assert.deepEqual(
    runs.map((line) => JSON.parse(line).outcome),
    ['passed', 'passed'],
  );
});

test('a reader that leaves is no error', async (t) => {
  const cwd = repository(t, files);
  const script = '"$0" -- "$@" | true; echo "${PIPESTATUS[0]}"';
  const { stdout, stderr } = spawnSync('bash', ['-c', script, process.execPath, main, 'run', '--runtime', 'fake'], {
    cwd,
    encoding: 'utf8',
  });
  assert.deepEqual([stdout, stderr], ['0\n', '']);
});

test('what is refused is refused, whoever still reads why: exit 2', (t) => {
  const wrong = repository(t, { '.cion.yml': 'build: [\n' });
  const lacking = repository(t, { '.cion.yml': 'build:\n  image: busybox\n  env: { TOKEN: { secret: NOT_GIVEN } }\n' });
  const script = '"$0" -- "$@" 2>&1 >/dev/null | true; echo "${PIPESTATUS[0]}"';
  for (const [cwd, ...args] of [
    [wrong, 'check'],
    [wrong, 'run', '--runtime', 'fake'],
    [lacking, 'run', '--runtime', 'fake'],
    [lacking, 'check', '--no-such-option'],
  ] as const) {
    const { stdout } = spawnSync('bash', ['-c', script, process.execPath, main, ...args], { cwd, encoding: 'utf8' });
    assert.equal(stdout, '2\n', args.join(' '));
  }
});

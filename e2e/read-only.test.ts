import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { repository } from './repository.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

/** Permissions mean nothing to root unless it gives up its capabilities. */
const prefix = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all'] : ['env'];
const [program = '', ...programArgs] = prefix;
const skip = spawnSync(program, [...programArgs, 'true']).status === 0 ? false : 'root cannot give up its capabilities here';

const refusesToWrite = (cwd: string, locked: string, ...commands: readonly (readonly string[])[]): void => {
  chmodSync(locked, 0o555);
  try {
    for (const args of commands) {
      const { status, stdout, stderr } = spawnSync(program, [...programArgs, process.execPath, '--', main, ...args], {
        cwd,
        encoding: 'utf8',
      });
      assert.equal(status, 3, stdout + stderr);
      assert.match(stderr, /Cannot write .*EACCES.*\n {6}.*copy/);
      assert.ok(stderr.includes(cwd), stderr);
      assert.doesNotMatch(stderr, /fault of cion|UNEXPECTED/);
    }
  } finally {
    chmodSync(locked, 0o755);
  }
};

test('in a project that cannot be written to, run and init say so and what to do: exit 3', { skip }, (t) => {
  const cwd = repository(t, { '.cion.yml': 'build:\n  image: busybox\n' });
  chmodSync(join(cwd, '.cion.yml'), 0o444);
  refusesToWrite(cwd, cwd, ['run', '--runtime', 'fake'], ['init', '--force']);
});

test('so does a run in a project whose .cion cannot be written to', { skip }, (t) => {
  const cwd = repository(t, { '.cion.yml': 'build:\n  image: busybox\n', '.cion/.gitignore': '*\n', '.cion/state/kept': '' });
  refusesToWrite(cwd, join(cwd, '.cion/state'), ['run', '--runtime', 'fake']);
});

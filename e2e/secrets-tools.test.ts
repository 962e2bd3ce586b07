import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { noTerminal, startTerminal } from '../src/cli/printers/testing/terminal.ts';
import { cion, startCion } from './cli.ts';
import { directory, repository } from './repository.ts';

const launcher = fileURLToPath(new URL('../bin/cion', import.meta.url));

/** Why Debian's age cannot be had here, if so; it is installed where that is allowed. */
const noAge = (): string | undefined => {
  const has = (): boolean => {
    try {
      execFileSync('age', ['--version'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  };
  if (has()) return undefined;
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) return 'age is not installed, and this user cannot install it';
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const wait = ['-o', 'DPkg::Lock::Timeout=100'];
    execFileSync('apt-get', [...wait, 'install', '-y', '-q', '--no-install-recommends', 'age'], { env, stdio: 'ignore', timeout: 150_000 });
  } catch {
    return 'age cannot be installed';
  }
  return has() ? undefined : 'age cannot be installed';
};

test('what cion encrypts the age command decrypts, and the other way round', { skip: noAge() ?? false }, async (t) => {
  const cwd = repository(t);
  const env = { XDG_CONFIG_HOME: directory(t) };
  const recipient = (await cion(['secret', 'keygen', '--out', 'ours.key'], { cwd, env })).out.trim();
  execFileSync('age-keygen', ['-o', 'theirs.key'], { cwd, stdio: 'ignore' });
  const theirs = execFileSync('age-keygen', ['-y', 'theirs.key'], { cwd, encoding: 'utf8' }).trim();
  const secret = 'correct horse\nbattery "staple" é\n';

  const { out } = await cion(['secret', 'encrypt', '--to', recipient, '--to', theirs], { cwd, env, input: secret });
  const armored = out
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
    .join('\n');
  for (const key of ['ours.key', 'theirs.key']) {
    assert.equal(
      execFileSync('age', ['-d', '-i', key], { cwd, input: armored, encoding: 'utf8', stdio: ['pipe', 'pipe', 'inherit'] }),
      secret,
    );
  }
  for (const form of [['-a'], []]) {
    execFileSync('age', [...form, '-r', theirs, '-r', recipient, '-o', 'by-age'], { cwd, input: secret });
    for (const key of ['ours.key', 'theirs.key']) {
      assert.equal((await cion(['secret', 'decrypt', 'by-age', '--identity', key], { cwd, env })).out, secret);
    }
  }
});

for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
  test(`edit removes the clear text when ${signal} ends it`, async (t) => {
    const cwd = repository(t);
    const runtime = directory(t);
    const env = { XDG_CONFIG_HOME: directory(t), XDG_RUNTIME_DIR: runtime };
    await cion(['secret', 'keygen'], { cwd, env });
    const editing = startCion(['secret', 'edit'], { cwd, env: { ...env, EDITOR: 'echo in the editor; exec sleep 60; :' } });
    await editing.wrote('in the editor');
    assert.equal(readdirSync(runtime).length, 1);
    editing.process.kill(signal);
    const { code } = await editing.ended;
    assert.equal(code, signal === 'SIGTERM' ? 143 : 129);
    assert.deepEqual(readdirSync(runtime), []);
    assert.ok(!existsSync(join(cwd, '.cion.secrets.age')));
  });
}

test('on a terminal a value is typed unseen', { skip: noTerminal() ?? false }, async (t) => {
  const cwd = repository(t);
  const env = { XDG_CONFIG_HOME: directory(t) };
  await cion(['secret', 'keygen'], { cwd, env });
  const terminal = startTerminal('"$LAUNCHER" secret encrypt TOKEN > typed.yml', {
    columns: 80,
    rows: 20,
    cwd,
    env: { ...env, LAUNCHER: launcher, LC_ALL: 'C.UTF-8' },
  });
  t.after(() => terminal.end());
  await terminal.shows(/Value of TOKEN \(not shown\):/);
  terminal.type('correct horsf\u007fe é\r');
  await terminal.ended;
  assert.doesNotMatch(terminal.screen.history(), /correct|hors/);
  assert.match(readFileSync(join(cwd, 'typed.yml'), 'utf8'), /^TOKEN:\n {2}encrypted: \|\n {4}-----BEGIN/);
  assert.equal((await cion(['secret', 'decrypt', 'typed.yml'], { cwd, env })).out, 'correct horse é');
});

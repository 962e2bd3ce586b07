import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const run = (cwd: string, file: string, ...args: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync(file, args, { cwd, encoding: 'utf8' });
  assert.equal(status, 0, `${file} ${args.join(' ')}\n${stdout}${stderr}`);
  return stdout;
};

test('the package that npm would publish installs into an empty folder and answers from compiled code', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cion-package-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };

  run('.', 'npm', 'pack', '--silent', '--pack-destination', folder);
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  run(folder, 'npm', 'install', '--prefer-offline', '--omit=optional', '--no-audit', '--no-fund', `./cion-${version}.tgz`);

  const installed = join(folder, 'node_modules', 'cion');
  assert.ok(existsSync(join(installed, 'dist', 'main.js')));
  assert.ok(!existsSync(join(installed, 'src')));
  assert.equal(run(folder, join(folder, 'node_modules', '.bin', 'cion'), '--version'), `${version}\n`);
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';

const projectWith = (t: TestContext, files: Readonly<Record<string, string>>): string => {
  const folder = mkdtempSync(join(tmpdir(), 'cion-knip-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  cpSync('knip.json', join(folder, 'knip.json'));
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  for (const [path, text] of Object.entries({ 'package.json': '{ "name": "x", "type": "module" }', ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
};

const knip = (folder: string) =>
  spawnSync(process.execPath, [resolve('node_modules/knip/bin/knip.js'), '--directory', folder, '--no-progress', '--no-config-hints'], {
    encoding: 'utf8',
  });

const main = "import { used } from './thing.ts';\nused();\n";

test('an export that nobody imports and a file that nobody reaches fail the check', (t) => {
  const folder = projectWith(t, {
    'src/main.ts': main,
    'src/thing.ts': 'export const used = () => {};\nexport const forgotten = 1;\n',
    'src/island.ts': 'export const alone = 1;\n',
  });
  const { status, stdout } = knip(folder);
  assert.equal(status, 1, stdout);
  assert.match(stdout, /forgotten/);
  assert.match(stdout, /src\/island\.ts/);
});

test('a project in which everything is used passes', (t) => {
  const folder = projectWith(t, { 'src/main.ts': main, 'src/thing.ts': 'export const used = () => {};\n' });
  const { status, stdout } = knip(folder);
  assert.equal(status, 0, stdout);
});

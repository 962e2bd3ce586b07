import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';

/** Another Node of this machine, too old for this project. */
const oldNode = ['/usr/bin/node', '/usr/local/bin/node', '/usr/bin/nodejs'].find((path) => {
  const [major = 99] = spawnSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' }).stdout?.split('.').map(Number) ?? [];
  return major < 22;
});
const packagedNode = resolve(`node_modules/node-${process.platform}-${process.arch}`);
const noOldNode = oldNode === undefined && 'this machine has no Node that is too old';

/** A place with the launcher and these files; `node_modules` has nothing but a Node, when it has one. */
const place = (t: TestContext, files: Readonly<Record<string, string>>, withNode: boolean): string => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cion launcher ')));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  cpSync('bin', join(folder, 'bin'), { recursive: true });
  mkdirSync(join(folder, 'node_modules'));
  if (withNode) symlinkSync(packagedNode, join(folder, 'node_modules', `node-${process.platform}-${process.arch}`));
  for (const [path, text] of Object.entries({ 'package.json': '{ "type": "module" }', ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return join(folder, 'bin', 'cion');
};

const says = 'process.stdout.write(`${process.versions.node.split(".")[0]} ${process.argv.slice(2).join("|")}`); process.exitCode = 7;';
const here = process.versions.node.split('.')[0];

const started = (node: string, file: string, ...args: readonly string[]) => spawnSync(node, [file, ...args], { encoding: 'utf8' });

test('a checkout runs its sources, with the arguments and the exit code as they are', (t) => {
  const launcher = place(t, { 'src/main.ts': `const n: number = 1; ${says}`, 'dist/main.js': '' }, false);
  const { stdout, status } = started(process.execPath, launcher, 'a b', '--c');
  assert.deepEqual([stdout, status], [`${here} a b|--c`, 7]);
});

test('an installed package runs what was compiled', (t) => {
  const { stdout, status } = started(process.execPath, place(t, { 'dist/main.js': says }, false), 'a');
  assert.deepEqual([stdout, status], [`${here} a`, 7]);
});

test('dockercise is cion with its dialect chosen', (t) => {
  const launcher = place(t, { 'dist/main.js': `process.stdout.write(process.env.CION_DIALECT); ${says}` }, false);
  const { stdout, status } = started(process.execPath, join(dirname(launcher), 'dockercise'), 'a b');
  assert.deepEqual([stdout, status], [`dockercise${here} a b`, 7]);
});

test('an old Node hands over to the one that came along', { skip: noOldNode }, (t) => {
  const { stdout, status } = started(oldNode ?? '', place(t, { 'src/main.ts': says }, true), 'a b', '--c');
  assert.deepEqual([stdout, status], ['24 a b|--c', 7]);
});

test('the launcher is found through a symbolic link', (t) => {
  const launcher = place(t, { 'dist/main.js': says }, false);
  const link = join(dirname(dirname(launcher)), 'cion');
  symlinkSync(launcher, link);
  assert.equal(started(process.execPath, link, 'a').stdout, `${here} a`);
});

test('an old Node without another says in one line what is missing', { skip: noOldNode }, (t) => {
  const { stderr, status } = started(oldNode ?? '', place(t, { 'dist/main.js': says }, false));
  assert.match(stderr, /^cion: Node 22\.18 or newer is needed; this is \d+\.\d+\.\d+, and no other came along\n$/);
  assert.equal(status, 3);
});

test('a checkout without packages says in one line what to do', (t) => {
  const launcher = place(t, { 'src/main.ts': says }, false);
  rmSync(join(dirname(dirname(launcher)), 'node_modules'), { recursive: true });
  const { stderr, status } = started(process.execPath, launcher);
  assert.match(stderr, /^cion: this checkout has no packages yet: run npm run setup in .*\n$/);
  assert.equal(status, 3);
});

test('a signal reaches the program that an old Node started, and its exit code comes back', { skip: noOldNode }, async (t) => {
  const waits = "process.on('SIGTERM', () => process.exit(130)); setInterval(() => {}, 1000); process.stdout.write('up');";
  const launcher = spawn(oldNode ?? '', [place(t, { 'src/main.ts': waits }, true)], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(launcher.stdout, 'data');
  launcher.kill('SIGTERM');
  assert.deepEqual(await once(launcher, 'exit'), [130, null]);
});

test('a program that a signal ended looks the same from outside', { skip: noOldNode }, async (t) => {
  const dies = "process.kill(process.pid, 'SIGKILL');";
  const launcher = spawn(oldNode ?? '', [place(t, { 'src/main.ts': dies }, true)]);
  assert.deepEqual(await once(launcher, 'exit'), [null, 'SIGKILL']);
});

test('the launcher has only syntax that an old Node reads', () => {
  assert.doesNotMatch(readFileSync('bin/cion', 'utf8'), /=>|\bconst\b|\blet\b|\bimport\(|`|\?\.|\?\?/);
});

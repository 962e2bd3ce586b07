import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { registerHooks } from 'node:module';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cion } from './cli.ts';
import { directory, repository } from './repository.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

test('help loads the names of commands and nothing of what they do', () => {
  assert.equal(typeof registerHooks, 'function');
  const hooks = `import { registerHooks } from 'node:module';
    let count = 0;
    registerHooks({ load: (url, context, next) => { if (url.startsWith('file:')) count++; return next(url, context); } });
    process.on('exit', () => process.stderr.write('loaded ' + count));`;
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(hooks)}`, main, '--help'],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0);
  assert.match(stdout, /Usage: cion/);
  const loaded = Number(/loaded (\d+)/.exec(stderr)?.[1]);
  assert.ok(loaded > 2 && loaded < 25, `${loaded} files`);
});

test('the launcher hands every option to cion, also those that Node knows too', (t) => {
  const launcher = fileURLToPath(new URL('../bin/cion', import.meta.url));
  const options = { cwd: repository(t, { '.cion.yml': 'build: { image: busybox }' }), encoding: 'utf8' } as const;
  const { status, stderr } = spawnSync(launcher, ['run', '--runtime', 'fake', '--env-file', 'nowhere.env'], options);
  assert.equal(status, 2, stderr);
  assert.match(stderr, /ENV_FILE_UNREADABLE/);
});

test('a mistyped command of a group is told as that, and not as an argument of the one that is meant without a word', async (t) => {
  const cwd = directory(t);
  const { code, out, err } = await cion(['members', 'remov', 'bob'], { cwd });
  assert.deepEqual([code, out], [2, '']);
  assert.match(err, /^error: unknown command "remov"\. Did you mean "remove"\?\n/);
  const strange = await cion(['schedules', 'ls', '--json'], { cwd });
  assert.match(strange.err, /unknown command "ls"\. Known are: "list", "add"/);
  const listed = await cion(['schedules', '--on', 'acme/app'], { cwd, env: { XDG_CONFIG_HOME: cwd } });
  assert.match(listed.err, /SERVER_UNKNOWN/);
});

test('every command has help and the version is that of the package', async (t) => {
  const cwd = directory(t);
  const { out } = await cion(['--help'], { cwd });
  const names = [...out.matchAll(/^ {2}([a-z]+) .*$/gm)].map(([, name = '']) => name).filter((name) => name !== 'help');
  for (const name of [
    'run',
    'plan',
    'check',
    'init',
    'runs',
    'show',
    'logs',
    'artifacts',
    'deployments',
    'rerun',
    'resume',
    'cancel',
    'clean',
  ]) {
    assert.ok(names.includes(name), name);
  }
  for (const name of ['run', 'logs', 'completion']) assert.equal((await cion([name, '--help'], { cwd })).code, 0);
  const version = await cion(['--version'], { cwd });
  assert.deepEqual([version.code, version.err], [0, '']);
  assert.match(version.out, /^\d+\.\d+\.\d+\n$/);
});

test('completion knows commands, options, stages, runs and their values', async (t) => {
  const cwd = repository(t, { '.cion.yml': 'build: { image: busybox }\nrelease: { image: busybox }\n' });
  await cion(['run', '--runtime', 'fake'], { cwd });
  const complete = async (...words: readonly string[]) =>
    (await cion(['complete', '--', ...words], { cwd })).out
      .trim()
      .split('\n')
      .map((line) => line.split('\t')[0]);
  assert.deepEqual(await complete('ru'), ['run', 'runs']);
  assert.deepEqual(await complete('run', ''), ['build', 'release']);
  assert.deepEqual(await complete('run', '--only', 're'), ['release']);
  assert.deepEqual(await complete('run', '--runtime', ''), ['docker', 'fake']);
  assert.deepEqual(await complete('run', '--fail'), ['--fail-fast']);
  assert.deepEqual(await complete('logs', ''), ['1']);
  assert.deepEqual(await complete('logs', '1', 'b'), ['build']);
  assert.deepEqual(await complete('deployments', '--at', ''), ['production']);
  const script = await cion(['completion', 'bash'], { cwd });
  execFileSync('bash', ['-n'], { input: script.stdout });
});

test('init writes a configuration that passes check, and does not overwrite one', async (t) => {
  const cwd = repository(t, { 'package.json': '{ "scripts": { "test": "true" } }' });
  assert.equal((await cion(['init'], { cwd })).code, 0);
  assert.equal((await cion(['check'], { cwd })).code, 0);
  const again = await cion(['init'], { cwd });
  assert.deepEqual([again.code, /CONFIG_EXISTS/.test(again.err)], [2, true]);
  assert.match((await cion(['init', '--print'], { cwd })).out, /^build:/m);
  assert.equal((await cion(['init', '--force'], { cwd })).code, 0);
});

test('plan draws the stages, and prints them as JSON with a digest that does not depend on the place', async (t) => {
  const text = { '.cion.yml': 'build: { image: busybox }\nrelease: { image: other }\n' };
  const [one, two] = [repository(t, text), directory(t, text)];
  assert.match((await cion(['plan'], { cwd: one })).out, /build.*release/);
  const digest = async (cwd: string, ...args: readonly string[]) =>
    JSON.parse((await cion(['plan', '--json', ...args], { cwd })).out).digest;
  assert.equal(await digest(one), await digest(two));
  assert.equal(await digest(one, '--commit', 'main'), await digest(two));
  assert.notEqual(await digest(one, 'build'), await digest(one));
});

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test, type TestContext } from 'node:test';
import { cion } from './cli.ts';
import { commit, directory, git, repository } from './repository.ts';

/** A repository at `…/ada/engine`, with a branch, a tag and a past. */
const engineOf = (t: TestContext, text = 'build: { image: busybox, cmd: echo built }\n') => {
  const place = directory(t);
  const path = join(place, 'ada', 'engine');
  mkdirSync(dirname(path));
  git(place, 'clone', '--quiet', repository(t, { '.cion.yml': text, README: 'one' }), path);
  git(path, 'config', 'uploadpack.allowAnySHA1InWant', 'true');
  const first = commit(path, { README: 'two' });
  git(path, 'tag', 'v1');
  git(path, 'branch', 'feature/x');
  commit(path, { README: 'three' });
  return { url: pathToFileURL(path).href, first };
};

test('a project is fetched into the build directory, without its past (R-WRK-64, R-WRK-80, R-WRK-81, R-WRK-82, R-WRK-84, R-WRK-101)', async (t) => {
  const cwd = directory(t);
  const { url } = engineOf(t);
  const BUILD_DIR = join(cwd, 'build 7');
  const { code, out, err } = await cion(['fetch', url], { cwd, env: { BUILD_DIR } });
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /^[0-9a-f]{7} main of ada\/engine is in .*build 7\/source\n$/);
  assert.deepEqual(readdirSync(join(BUILD_DIR, 'source')).sort(), ['.cion.yml', '.git', 'README']);
  assert.equal(git(join(BUILD_DIR, 'source'), 'rev-list', '--count', 'HEAD'), '1');
});

test('a build directory is /tmp/build/$BUILD_ID when nothing else is said', async (t) => {
  const cwd = directory(t);
  const BUILD_ID = `cion-test-${process.pid}`;
  const { url } = engineOf(t);
  const { out } = await cion(['fetch', url], { cwd, env: { BUILD_ID } });
  assert.ok(out.endsWith(` is in /tmp/build/${BUILD_ID}/source\n`), out);
  const built = await cion(['build', 'ada/engine', '--runtime', 'fake'], { cwd, env: { BUILD_ID, CION_STATE_HOME: cwd } });
  assert.equal(built.code, 0, built.err);
  assert.equal(existsSync(`/tmp/build/${BUILD_ID}`), false);
});

test('a branch, a tag and a commit can be asked for', async (t) => {
  const cwd = directory(t);
  const { url, first } = engineOf(t);
  for (const [at, ref] of ['feature/x', 'v1', first].entries()) {
    const { code, err } = await cion(['fetch', `${url}@${ref}`, `to ${at}`], { cwd });
    assert.equal(code, 0, err);
    assert.equal(readFileSync(join(cwd, `to ${at}`, 'README'), 'utf8'), 'two');
  }
});

test('a fetch that fails says why, leaves nothing, and lets no build begin (R-WRK-83)', async (t) => {
  const cwd = directory(t);
  const { url } = engineOf(t);
  const env = { BUILD_DIR: join(cwd, 'b'), CION_STATE_HOME: cwd };
  const failed = await cion(['fetch', `${url}@nowhere`], { cwd, env });
  assert.equal(failed.code, 3);
  assert.match(failed.err, /nowhere.*\[SOURCE_FETCH_FAILED\]/s);
  assert.equal(existsSync(join(cwd, 'b')), false);
  const build = await cion(['build', 'ada/engine'], { cwd, env });
  assert.equal(build.code, 2);
  assert.match(build.err, /PROJECT_NOT_FETCHED/);
  assert.match((await cion(['fetch', url], { cwd })).err, /BUILD_DIR_UNKNOWN/);
});

test('builds at the same time have directories of their own, and one cannot take that of another (R-WRK-99)', async (t) => {
  const cwd = directory(t);
  const { url } = engineOf(t);
  const both = await Promise.all(['x', 'x'].map((name) => cion(['fetch', url], { cwd, env: { BUILD_DIR: join(cwd, name) } })));
  assert.deepEqual(
    both.map(({ code }) => code).sort((a, b) => Number(a) - Number(b)),
    [0, 2],
  );
  assert.match(both.map(({ err }) => err).join(''), /BUILD_DIR_TAKEN/);
  assert.ok(existsSync(join(cwd, 'x', 'source', 'README')));
});

test('what was fetched is built and removed, also when the build failed; its runs stay (R-WRK-174)', async (t) => {
  const cwd = directory(t);
  const { url } = engineOf(
    t,
    'build: { image: busybox, run: "echo made > $ARTIFACTS_DIR/made; exit $CODE", env: { CODE: { outside: CODE } } }\n',
  );
  const env = { BUILD_DIR: join(cwd, 'b'), CION_STATE_HOME: join(cwd, 'state') };
  for (const [at, CODE] of ['0', '3'].entries()) {
    assert.equal((await cion(['fetch', url], { cwd, env })).code, 0);
    const { code, out } = await cion(['build', 'ada/engine'], { cwd, env: { ...env, CODE } });
    assert.equal(code, CODE === '0' ? 0 : 1);
    assert.match(out, new RegExp(`Run ${at + 1} of engine\\.`));
    assert.equal(existsSync(join(cwd, 'b')), false);
  }
  const home = join(cwd, 'state', 'localhost', 'ada', 'engine');
  const runs = await cion(['-C', home, 'runs'], { cwd });
  assert.match(runs.out, /failed[\s\S]*passed/);
  assert.equal((await cion(['-C', home, 'artifacts', '1', '--get', 'made'], { cwd })).out, 'made\n');
});

test('a build directory that was not made by a fetch is left alone', async (t) => {
  const cwd = repository(t, { '.cion.yml': 'build: { image: busybox }' });
  assert.equal((await cion(['build', '.', '--runtime', 'fake'], { cwd, env: { BUILD_DIR: cwd } })).code, 0);
  assert.ok(existsSync(join(cwd, '.cion.yml')));
});

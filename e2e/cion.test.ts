import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect } from '../src/runtimes/docker/engine/connect.ts';
import { findEndpoint } from '../src/runtimes/docker/engine/endpoint.ts';
import { cion as anyCion } from './cli.ts';
import { commit, directory, git, repository, writeFiles } from './repository.ts';

/** `.cion.yml` through the real command line, on the real engine, in a namespace of its own. */
const namespace = `e2e-${process.pid}`;
const env = { CION_NAMESPACE: namespace };
const cion = (cwd: string, ...args: readonly string[]) => anyCion(args, { cwd, env });

const engine = await connect(findEndpoint(process.env), AbortSignal.timeout(30_000));
after(async () => {
  await engine.close();
  await cion(tmpdir(), 'clean', '--all-projects');
});

/** Of runs: the network of all stages and the pause image belong to none, and `cion clean` removes them. */
const leftovers = async (): Promise<number> => {
  const filters = JSON.stringify({ label: [`cion.namespace=${namespace}`, 'cion.run'] });
  const containers = await engine.json<readonly unknown[]>('GET', '/containers/json', { query: { all: true, filters } });
  const networks = await engine.json<readonly unknown[]>('GET', '/networks', { query: { filters } });
  const { Volumes } = await engine.json<{ Volumes: readonly unknown[] | null }>('GET', '/volumes', { query: { filters } });
  return containers.length + networks.length + (Volumes ?? []).length;
};

type Section = {
  readonly image?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cmd?: string | readonly string[];
  readonly environment?: string;
};
type Config = { readonly build: Section; readonly test?: Section; readonly release?: Section; readonly services?: object };

/** JSON is YAML. */
const config = ({ services, ...sections }: Config): { readonly '.cion.yml': string } => {
  const withImages = Object.entries(sections).map(([name, section]) => [name, { image: 'busybox:latest', ...section }]);
  return { '.cion.yml': JSON.stringify({ ...Object.fromEntries(withImages), ...(services === undefined ? {} : { services }) }) };
};

const passes = async (cwd: string, ...args: readonly string[]) => {
  const result = await cion(cwd, 'run', ...args);
  assert.equal(result.code, 0, result.out + result.err);
  return result;
};

type Event = { readonly kind: string; readonly stage?: string; readonly [key: string]: unknown };
const eventsOf = async (cwd: string, run = '1'): Promise<readonly Event[]> =>
  (await cion(cwd, 'show', run, '--json')).out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);

const stdoutOf = async (cwd: string, ...args: readonly string[]): Promise<string> => (await cion(cwd, 'logs', ...args)).out;

const variables = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

const sha256 = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex');

test('a commit is fetched, built, tested and released, in this order, each step in a container and none on this machine (R-CIO-01, R-CIO-06, R-CIO-10, R-CIO-11, R-CIO-12, R-CIO-15, R-CIO-36)', async (t) => {
  const outside = directory(t);
  const say = (name: string) => `echo ${name} on $(hostname); touch ${join(outside, name).replaceAll(' ', '\\ ')} 2>/dev/null; true`;
  const cwd = repository(t, config({ build: { cmd: say('build') }, test: { cmd: say('test') }, release: { cmd: say('release') } }));
  await passes(cwd);
  const events = await eventsOf(cwd);
  const order = events.flatMap(({ kind, stage }) => {
    if (kind === 'fetch.finished') return ['fetch'];
    return kind === 'stage.started' || kind === 'stage.finished' ? [`${stage} ${kind.slice('stage.'.length)}`] : [];
  });
  const inTurn = ['build', 'test', 'release'].flatMap((name) => [`${name} started`, `${name} finished`]);
  assert.deepEqual(order, ['fetch', ...inTurn]);
  assert.equal(new Set(events.filter(({ kind }) => kind === 'stage.started').map(({ container }) => container)).size, 3);
  for (const name of ['build', 'test', 'release']) {
    const log = await stdoutOf(cwd, '1', name);
    assert.match(log, new RegExp(`^${name} on `));
    assert.doesNotMatch(log, new RegExp(`on ${hostname()}$`, 'm'));
    assert.equal(existsSync(join(outside, name)), false);
    const document = JSON.parse(readFileSync(join(cwd, '.cion/run', String(events[0]?.run), `${name}.json`), 'utf8'));
    assert.deepEqual([document.exitCode, document.outcome], [0, 'passed']);
  }
  assert.match(await stdoutOf(cwd, '1', 'fetch'), new RegExp(git(cwd, 'rev-parse', '--short', 'HEAD')));
  assert.equal(await leftovers(), 0);
});

test('the environment of build and release is what is documented, what the text says and what the image has, and nothing else (R-CIO-27, R-CIO-30, R-CIO-31, R-CIO-41, R-CIO-49)', async (t) => {
  const build = { env: { key1: 'val1', key2: 'val2' }, cmd: ['env'] };
  const release = { env: { key3: 'val3', key4: 'val4' }, cmd: ['env'] };
  const cwd = repository(t, config({ build, release }));
  await passes(cwd, '--env', 'UNASKED=1');
  const own = ['HOME', 'HOSTNAME', 'PATH'];
  const built = variables(await stdoutOf(cwd, '1', 'build'));
  assert.deepEqual(Object.keys(built).sort(), [...own, 'ARTIFACTS_DIR', 'BUILD_DIR', 'key1', 'key2'].sort());
  assert.deepEqual([built.key1, built.key2], ['val1', 'val2']);
  const released = variables(await stdoutOf(cwd, '1', 'release'));
  assert.deepEqual(Object.keys(released).sort(), [...own, 'ARTIFACTS_DIR', 'key3', 'key4'].sort());
  assert.deepEqual([released.key3, released.key4], ['val3', 'val4']);
});

test('a build fails unless it has its variables, and so does a release (R-CIO-44, R-CIO-50)', async (t) => {
  const cmd = (name: string, value: string) => `test "$${name}" = ${value}`;
  const good = { build: { env: { key1: 'val1' }, cmd: cmd('key1', 'val1') }, release: { env: { key3: 'val3' }, cmd: cmd('key3', 'val3') } };
  const cwd = repository(t, config(good));
  await passes(cwd);
  commit(cwd, config({ ...good, release: { cmd: cmd('key3', 'val3') } }));
  assert.equal((await cion(cwd, 'run')).code, 1);
  commit(cwd, config({ ...good, build: { cmd: cmd('key1', 'val1') } }));
  assert.equal((await cion(cwd, 'run')).code, 1);
});

const tree = { 'src/a file.txt': 'one\n', 'src/b.txt': 'two\n' };
const concatenate = 'cat "$BUILD_DIR"/src/*.txt > "$ARTIFACTS_DIR/all.txt"';

test('BUILD_DIR holds the commit, ARTIFACTS_DIR begins empty, and what build puts there is kept, handed to release and can be had when all containers are gone (R-CIO-42, R-CIO-43, R-CIO-45, R-CIO-46, R-CIO-47, R-CIO-48)', async (t) => {
  const build = {
    cmd: `set -e; cat "$BUILD_DIR/.git/HEAD"; echo "files: $(ls -A "$ARTIFACTS_DIR" | wc -l)"; ${concatenate}; mkdir "$ARTIFACTS_DIR/sub"; head -c 300000 /dev/urandom > "$ARTIFACTS_DIR/sub/random"; sha256sum "$ARTIFACTS_DIR/sub/random"`,
  };
  const release = { cmd: 'set -e; sha256sum "$ARTIFACTS_DIR/sub/random"; cat "$ARTIFACTS_DIR/all.txt"' };
  const cwd = repository(t, { ...config({ build, release }), ...tree });
  await passes(cwd);
  assert.equal(await leftovers(), 0);
  const [head, files, built] = (await stdoutOf(cwd, '1', 'build')).trim().split('\n');
  assert.equal(head, git(cwd, 'rev-parse', 'HEAD'));
  assert.equal(files, 'files: 0');
  const [released, ...text] = (await stdoutOf(cwd, '1', 'release')).trimEnd().split('\n');
  assert.equal(released, built);
  assert.deepEqual(text, ['one', 'two']);
  const { stdout } = await cion(cwd, 'artifacts', '1', 'build', '--get', 'sub/random');
  assert.equal(`${sha256(stdout)}  /cion/artifacts/sub/random`, built);
  const to = directory(t);
  assert.equal((await cion(cwd, 'artifacts', '1', '--extract', to)).code, 0);
  assert.equal(readFileSync(join(to, 'all.txt'), 'utf8'), 'one\ntwo\n');
  const listed = (await cion(cwd, 'artifacts', '1', '--json')).out;
  assert.match(listed, new RegExp(`"path":"sub/random".*"digest":"sha256:${sha256(stdout)}"`));
});

test('what build writes in the working directory is there for the containers after it (R-CIO-38)', async (t) => {
  const build = { cmd: 'echo made > "$BUILD_DIR/made"' };
  const cwd = repository(t, config({ build, test: { cmd: 'cat "$BUILD_DIR/made"' }, release: { cmd: 'cat /cion/build/made' } }));
  await passes(cwd);
  assert.deepEqual([await stdoutOf(cwd, '1', 'test'), await stdoutOf(cwd, '1', 'release')], ['made\n', 'made\n']);
});

test('release does not run when build or test fails, whatever its exit code (R-CIO-11, R-CIO-13)', async (t) => {
  const cwd = repository(t, config({ build: { cmd: 'exit 3' }, release: { cmd: 'echo released' } }));
  assert.equal((await cion(cwd, 'run')).code, 1);
  const skipped = (await eventsOf(cwd)).find(({ kind }) => kind === 'stage.skipped');
  assert.deepEqual([skipped?.stage, (skipped?.cause as { node?: string } | undefined)?.node], ['release', 'build']);
  commit(cwd, config({ build: { cmd: 'true' }, test: { cmd: 'exit 255' }, release: { cmd: 'echo released' } }));
  assert.equal((await cion(cwd, 'run')).code, 1);
  assert.deepEqual(
    (await eventsOf(cwd, '2')).filter(({ kind }) => kind === 'stage.started').map(({ stage }) => stage),
    ['build', 'test'],
  );
});

test('without a release it is a build and nothing more: passed, nothing deployed (R-CIO-14)', async (t) => {
  const cwd = repository(t, config({ build: { cmd: 'true' } }));
  await passes(cwd);
  assert.deepEqual(
    (await eventsOf(cwd)).filter(({ kind }) => kind === 'fetch.finished' || kind === 'stage.finished').map(({ kind }) => kind),
    ['fetch.finished', 'stage.finished'],
  );
  assert.equal((await cion(cwd, 'deployments', '--json')).out, '');
});

test('a release that fails is a failed run and no deployment; each that passes is one, and the latest is what is there now (R-CIO-18, R-CIO-51)', async (t) => {
  const release = (environment: string, cmd: string) => config({ build: { cmd: 'true' }, release: { cmd, environment } });
  const cwd = repository(t, release('staging', 'true'));
  const first = git(cwd, 'rev-parse', 'HEAD');
  await passes(cwd);
  const second = commit(cwd, release('production', 'true'));
  await passes(cwd);
  commit(cwd, release('production', 'exit 1'));
  assert.equal((await cion(cwd, 'run')).code, 1);
  writeFiles(cwd, release('production', 'echo changed'));
  await passes(cwd);
  const rows = (await cion(cwd, 'deployments', '--json')).out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    rows.map(({ environment, commit: hash, number }) => [environment, hash, number]),
    [
      ['production', second, 2],
      ['staging', first, 1],
    ],
  );
  for (const { image, at } of rows) {
    assert.match(image.digest, /^sha256:[0-9a-f]{64}$/);
    assert.ok(Math.abs(Date.now() - at) < 10 * 60_000);
  }
  assert.equal(JSON.parse((await cion(cwd, 'deployments', '--at', 'production', '--json')).out).commit, second);
  writeFiles(cwd, release('production', 'echo changed'));
  await passes(cwd, '--record');
  const now = JSON.parse((await cion(cwd, 'deployments', '--at', 'production', '--json')).out);
  assert.deepEqual([now.number, now.changedFiles], [5, 1]);
});

test('both streams of a release are in its log, apart, in their order, byte for byte (R-CIO-52)', async (t) => {
  const release = { cmd: "echo one; sleep 0.2; echo two >&2; sleep 0.2; printf 'three \\377\\000 end'" };
  const cwd = repository(t, config({ build: { cmd: 'true' }, release }));
  const { out } = await passes(cwd, '--json');
  const pieces = out.split('\n').flatMap((line) => (line.includes('"kind":"log"') ? [JSON.parse(line)] : []));
  assert.deepEqual(
    pieces.filter(({ stage }) => stage === 'release').map(({ stream }) => stream),
    ['stdout', 'stderr', 'stdout'],
  );
  const log = await cion(cwd, 'logs', '1', 'release');
  assert.deepEqual(log.stdout, Buffer.concat([Buffer.from('one\nthree '), Buffer.from([0xff, 0]), Buffer.from(' end')]));
  assert.equal(log.err, 'two\n');
});

test('services are started before the containers, are reached by their names and are gone afterwards (R-CIO-53)', async (t) => {
  const services = {
    web: {
      image: 'busybox:latest',
      env: { word: 'hello' },
      cmd: 'mkdir /www; echo "$word" > /www/index.html; httpd -f -p 8080 -h /www',
      ready: { port: 8080 },
    },
  };
  const ask = { cmd: 'wget -q -O - http://web:8080/' };
  const cwd = repository(t, config({ build: ask, release: ask, services }));
  await passes(cwd);
  assert.deepEqual([await stdoutOf(cwd, '1', 'build'), await stdoutOf(cwd, '1', 'release')], ['hello\n', 'hello\n']);
  assert.equal(await leftovers(), 0);
});

test('cmd takes the place of the image’s command, as a script or as a list (R-CIO-54)', async (t) => {
  const cwd = repository(t, config({ build: { cmd: 'echo a | tr a b' }, release: { cmd: ['echo', 'a | tr a b', '$HOME'] } }));
  await passes(cwd);
  assert.deepEqual([await stdoutOf(cwd, '1', 'build'), await stdoutOf(cwd, '1', 'release')], ['b\n', 'a | tr a b $HOME\n']);
});

test('each commit is run with the text and the files that it has, wherever the working tree and the branches are (R-CIO-07, R-CIO-08)', async (t) => {
  const cwd = repository(t, { ...config({ build: { cmd: 'echo main $(cat file)' } }), file: 'of main' });
  git(cwd, 'checkout', '--quiet', '-b', 'other/branch');
  const other = commit(cwd, { ...config({ build: { cmd: 'echo other $(cat file); cat .git/HEAD' } }), file: 'of other' });
  commit(cwd, { ...config({ build: { cmd: 'exit 1' } }), file: 'moved on' });
  git(cwd, 'checkout', '--quiet', 'main');
  await passes(cwd);
  await passes(cwd, '--commit', 'other/branch^');
  assert.equal(await stdoutOf(cwd, '1', 'build'), 'main of main\n');
  assert.equal(await stdoutOf(cwd, '2', 'build'), `other of other\n${other}\n`);
});

test('the images are those that the commit names, and the record says which ran (R-CIO-09)', async (t) => {
  const other = `${namespace}/other:1`;
  await engine.stream('POST', '/images/busybox:latest/tag', { query: { repo: `${namespace}/other`, tag: '1' } });
  t.after(() => engine.stream('DELETE', `/images/${other}`));
  const cwd = repository(t, config({ build: { cmd: 'true' }, release: { cmd: 'true' } }));
  await passes(cwd);
  commit(cwd, config({ build: { image: other, cmd: 'true' }, release: { cmd: 'true' } }));
  await passes(cwd);
  const images = async (run: string) =>
    (await eventsOf(cwd, run)).filter(({ kind }) => kind === 'image.resolved').map(({ stage, reference }) => [stage, reference]);
  assert.deepEqual(await images('1'), [
    ['build', 'busybox:latest'],
    ['release', 'busybox:latest'],
  ]);
  assert.deepEqual(await images('2'), [
    ['build', other],
    ['release', 'busybox:latest'],
  ]);
});

test('an image that does not exist ends the run as errored, with its name', async (t) => {
  const cwd = repository(t, config({ build: { image: '127.0.0.1:1/nobody/nothing:1' } }));
  const result = await cion(cwd, 'run');
  assert.equal(result.code, 3, result.out);
  assert.match(result.out, /127\.0\.0\.1:1\/nobody\/nothing:1/);
  assert.doesNotMatch(result.err + result.out, /\n\s+at /);
  assert.equal(await leftovers(), 0);
});

test('only the .cion.yml in the root of the project counts, from wherever it is run (R-CIO-20)', async (t) => {
  const inner = config({ build: { cmd: 'echo inner' } });
  const cwd = repository(t, { 'sub/.cion.yml': inner['.cion.yml'] });
  assert.match((await cion(cwd, 'run')).out, /nothing to do/);
  commit(cwd, config({ build: { cmd: 'echo root' } }));
  await passes(join(cwd, 'sub'));
  assert.equal(await stdoutOf(cwd, '1', 'build'), 'root\n');
});

test('which commits passed is a question with an exact answer, by branch too (R-CIO-17)', async (t) => {
  const text = (cmd: string) => config({ build: { cmd } });
  const cwd = repository(t, text('true'));
  const green = [git(cwd, 'rev-parse', 'HEAD')];
  await passes(cwd);
  commit(cwd, text('exit 1'));
  assert.equal((await cion(cwd, 'run')).code, 1);
  green.push(commit(cwd, text('echo again')));
  await passes(cwd);
  git(cwd, 'checkout', '--quiet', '-b', 'topic');
  const topic = commit(cwd, text('echo topic'));
  await passes(cwd);
  const passed = async (...args: readonly string[]) =>
    (await cion(cwd, 'runs', '--json', '--outcome', 'passed', ...args)).out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).source.commit);
  assert.deepEqual(await passed('--branch', 'main'), green.toReversed());
  assert.deepEqual(await passed(), [topic, ...green.toReversed()]);
});

test('a directory is run by its path, without git and without a server: exit 0 or 1, numbered from 1 in each project (R-CIO-56, R-CIO-58)', async (t) => {
  const good = directory(t, config({ build: { cmd: 'cat file' } }));
  writeFiles(good, { file: 'as it lies there\n' });
  const bad = directory(t, config({ build: { cmd: 'exit 9' } }));
  const elsewhere = directory(t);
  await passes(elsewhere, good);
  await passes(elsewhere, good);
  assert.equal((await cion(elsewhere, 'run', bad)).code, 1);
  assert.equal((await cion(elsewhere, '-C', good, 'logs', 'build')).out, 'as it lies there\n');
  const numbers = async (project: string) =>
    (await cion(elsewhere, '-C', project, 'runs', '--json')).out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).number);
  assert.deepEqual([await numbers(good), await numbers(bad)], [[2, 1], [1]]);
});

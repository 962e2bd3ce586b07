import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect } from '../src/runtimes/docker/engine/connect.ts';
import { findEndpoint } from '../src/runtimes/docker/engine/endpoint.ts';
import { cion as anyCion, startCion } from './cli.ts';
import { commit, repository, writeFiles } from './repository.ts';

const namespace = `e2e-life-${process.pid}`;
const env = { CION_NAMESPACE: namespace };
const cion = (cwd: string, ...args: readonly string[]) => anyCion(args, { cwd, env });
const start = (cwd: string, ...args: readonly string[]) => startCion(args, { cwd, env });

const endpoint = findEndpoint(process.env);
const socketPath = endpoint.kind === 'unix' ? endpoint.path : '';
const noSocket = socketPath === '' && 'the engine is not behind a local socket';
const engine = await connect(endpoint, AbortSignal.timeout(30_000));
after(async () => {
  await engine.close();
  await cion(tmpdir(), 'clean', '--all-projects');
});

const containers = async (): Promise<number> => {
  const filters = JSON.stringify({ label: [`cion.namespace=${namespace}`] });
  return (await engine.json<readonly unknown[]>('GET', '/containers/json', { query: { all: true, filters } })).length;
};

const fake = (env: Readonly<Record<string, string>>, releaseEnv: Readonly<Record<string, string>> = {}) => ({
  '.cion.yml': JSON.stringify({
    build: { image: 'busybox', env: { FAKE_STDOUT: 'built\n', ...env } },
    release: { image: 'busybox', env: { FAKE_STDOUT: 'released\n', ...releaseEnv } },
  }),
});
const real = (build: string, release = 'echo released') => ({
  '.cion.yml': JSON.stringify({ build: { image: 'busybox:latest', cmd: build }, release: { image: 'busybox:latest', cmd: release } }),
});

const outcomes = async (cwd: string): Promise<readonly string[]> =>
  (await cion(cwd, 'runs', '--json')).out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).outcome ?? 'open');

/** A way to a local engine that can be cut. */
const roadTo = async (socketPath: string) => {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = createConnection(socketPath);
    for (const socket of [near, far]) open.add(socket.on('error', () => undefined));
    near.pipe(far).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = (): Promise<unknown> => {
    for (const socket of open) socket.destroy();
    server.close();
    return once(server, 'close');
  };
  return { port: (server.address() as AddressInfo).port, close };
};

type Event = { readonly kind: string; readonly stage?: string; readonly attempt?: number; readonly [key: string]: unknown };
const eventsOf = async (cwd: string, run = '1'): Promise<readonly Event[]> =>
  (await cion(cwd, 'show', run, '--json')).out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} cancels: the stage is asked to stop, what is after it is skipped, exit 130`, async (t) => {
    const cwd = repository(t, fake({ FAKE_SLEEP_MS: '600000' }));
    const run = start(cwd, 'run', '--runtime', 'fake');
    await run.wrote('| built');
    run.process.kill(signal);
    const { code, stderr } = await run.ended;
    assert.equal(code, 130, stderr.toString());
    assert.match(stderr.toString(), /press again to force/);
    assert.deepEqual(await outcomes(cwd), ['cancelled']);
  });
}

test('a second signal does not wait for a command that will not stop', async (t) => {
  const cwd = repository(t, fake({ FAKE_SLEEP_MS: '600000', FAKE_IGNORE_STOP: '1' }));
  const run = start(cwd, 'run', '--runtime', 'fake');
  await run.wrote('| built');
  run.process.kill('SIGINT');
  await run.wrote('press again to force');
  run.process.kill('SIGINT');
  assert.equal((await run.ended).code, 130);
  assert.deepEqual(await outcomes(cwd), ['cancelled']);
});

test('cion cancel ends the run of another process', async (t) => {
  const cwd = repository(t, fake({ FAKE_SLEEP_MS: '600000' }));
  const run = start(cwd, 'run', '--runtime', 'fake');
  await run.wrote('| built');
  const busy = await cion(cwd, 'rerun', '1', '--runtime', 'fake');
  assert.deepEqual([busy.code, /RUN_LIVE/.test(busy.err)], [2, true]);
  assert.equal((await cion(cwd, 'cancel')).code, 0);
  assert.equal((await run.ended).code, 130);
  const again = await cion(cwd, 'cancel', '1');
  assert.deepEqual([again.code, /RUN_FINISHED/.test(again.err)], [2, true]);
});

test('Ctrl-C in the middle of a real run leaves no container behind (R-CIO-40)', async (t) => {
  const cwd = repository(t, real('echo started; sleep 600'));
  const run = start(cwd, 'run', '--concurrency', '2');
  await run.wrote('| started');
  run.process.kill('SIGINT');
  await run.wrote('press again to force');
  run.process.kill('SIGINT');
  assert.equal((await run.ended).code, 130);
  assert.equal(await containers(), 0);
});

test('after kill -9, resume goes on: nothing runs twice, no byte of the log is lost, nothing is left behind (R-CIO-40)', async (t) => {
  const cwd = repository(t, real('echo begin; sleep 4; echo end'));
  const run = start(cwd, 'run');
  await run.wrote('| begin');
  run.process.kill('SIGKILL');
  await run.ended;
  assert.deepEqual(await outcomes(cwd), ['open']);
  assert.match((await cion(cwd, 'runs')).out, /cion resume 1/);
  const why = (await cion(cwd, 'why')).out;
  assert.match(why, /^The process that carried run 1 is gone: "cion resume 1" goes on with it\.\nbuild: It runs on this machine\.$/m);
  const resumed = await cion(cwd, 'resume');
  assert.equal(resumed.code, 0, resumed.out + resumed.err);
  const events = await eventsOf(cwd);
  assert.equal(events.filter(({ kind, stage }) => kind === 'stage.started' && stage === 'build').length, 1);
  assert.equal((await cion(cwd, 'logs', '1', 'build')).out, 'begin\nend\n');
  assert.equal(await containers(), 0);
  assert.match((await cion(cwd, 'resume', '1')).err, /RUN_FINISHED/);
});

test('cancel and clean end what a killed process left (R-CIO-40)', async (t) => {
  const cwd = repository(t, real('echo begin; sleep 600'));
  for (const args of [['cancel'], ['clean']]) {
    const run = start(cwd, 'run');
    await run.wrote('| begin');
    run.process.kill('SIGKILL');
    await run.ended;
    assert.ok((await containers()) > 0);
    const ended = await cion(cwd, ...args);
    assert.equal(ended.code, 0, ended.out + ended.err);
    assert.equal(await containers(), 0);
  }
  assert.deepEqual(await outcomes(cwd), ['cancelled', 'cancelled']);
});

test('an engine that is lost in the middle of a run: errored with what to do, and clean finds what was left', {
  skip: noSocket,
}, async (t) => {
  const cwd = repository(t, real('echo begin; sleep 600'));
  const road = await roadTo(socketPath);
  const run = startCion(['run'], { cwd, env: { ...env, DOCKER_HOST: `tcp://127.0.0.1:${road.port}`, DOCKER_TLS_VERIFY: undefined } });
  await run.wrote('| begin');
  await road.close();
  const { code, stdout, stderr } = await run.ended;
  assert.equal(code, 3, stdout.toString() + stderr.toString());
  assert.match(stdout.toString(), /\(ENGINE_(LOST|UNREACHABLE)\)/);
  assert.match(stderr.toString(), /cion clean/);
  assert.doesNotMatch(stderr.toString() + stdout.toString(), /\n\s+at /);
  assert.equal((await cion(cwd, 'logs', 'build')).out, 'begin\n');
  assert.ok((await containers()) > 0);
  assert.equal((await cion(cwd, 'clean')).code, 0);
  assert.equal(await containers(), 0);
});

test('a re-run is another attempt of the same run, with the same commit (R-CIO-33)', async (t) => {
  const cwd = repository(t, real('cat file', 'exit 1'));
  const first = commit(cwd, { file: 'first\n' });
  assert.equal((await cion(cwd, 'run')).code, 1);
  commit(cwd, { file: 'second\n' });
  const again = await cion(cwd, 'rerun', '1');
  assert.equal(again.code, 1, again.out + again.err);
  assert.equal((await outcomes(cwd)).length, 1);
  const events = await eventsOf(cwd);
  const attempts = events.filter(({ kind }) => kind === 'stage.finished').map(({ stage, attempt }) => `${stage} ${attempt}`);
  assert.deepEqual(attempts, ['build 1', 'release 1', 'build 2', 'release 2']);
  assert.match(first, /^[0-9a-f]{40}$/);
  assert.equal((await cion(cwd, 'logs', '1', 'build')).out, 'first\n');
  assert.equal((await cion(cwd, 'logs', '1', 'build', '--attempt', '1')).out, 'first\n');
});

test('changed files are kept for a re-run, until the run is forgotten', async (t) => {
  const cwd = repository(t, real('cat file'));
  writeFiles(cwd, { file: 'changed\n' });
  assert.equal((await cion(cwd, 'run')).code, 0);
  writeFiles(cwd, { file: 'changed again\n' });
  assert.equal((await cion(cwd, 'rerun', '1')).code, 0);
  assert.equal((await cion(cwd, 'logs', '1', 'build')).out, 'changed\n');
  assert.equal((await cion(cwd, 'clean', '--runs-older-than', '0m')).code, 0);
  assert.match((await cion(cwd, 'runs')).out, /no runs yet/);
  assert.deepEqual(readdirSync(join(cwd, '.cion/run')), []);
});

test('of many runs of changed files only the newest keep their source', async (t) => {
  const cwd = repository(t, fake({}));
  for (let i = 1; i <= 6; i++) {
    writeFiles(cwd, { file: `${i}` });
    assert.equal((await cion(cwd, 'run', '--runtime', 'fake')).code, 0);
  }
  assert.match((await cion(cwd, 'rerun', '1', '--runtime', 'fake')).err, /SOURCE_GONE/);
  assert.equal((await cion(cwd, 'rerun', '2', '--runtime', 'fake')).code, 0);
});

test('--failed leaves out what passed, when nothing of it is needed again', async (t) => {
  const stages = {
    good: { image: 'busybox', env: {} },
    bad: { image: 'busybox', env: { FAKE_EXIT: '1' } },
    after: { image: 'busybox', needs: ['bad'] },
  };
  const cwd = repository(t, { '.cion.yml': JSON.stringify({ stages }) });
  assert.equal((await cion(cwd, 'run', '--runtime', 'fake', '--keep-going')).code, 1);
  assert.equal((await cion(cwd, 'rerun', '1', '--failed', '--runtime', 'fake')).code, 1);
  const again = (await eventsOf(cwd)).find(({ kind }) => kind === 'run.rerun');
  assert.deepEqual(again?.stages, ['bad', 'after']);
});

test('logs -f and show -f follow a run of another process to its end', async (t) => {
  const cwd = repository(t, real('echo one; sleep 2; echo two'));
  const run = start(cwd, 'run');
  await run.wrote('| one');
  const [logs, skipped, show] = await Promise.all([
    start(cwd, 'logs', '1', 'build', '-f').ended,
    start(cwd, 'logs', 'release', '-f').ended,
    start(cwd, 'show', '-f', '--json').ended,
  ]);
  assert.equal(logs.stdout.toString(), 'one\ntwo\n');
  assert.equal(skipped.stdout.toString(), 'released\n');
  assert.match(show.stdout.toString(), /"kind":"run\.finished","outcome":"passed"}\n$/);
  assert.equal((await run.ended).code, 0);
});

test('a targets’ run leaves out what they do not need, --only also what they do', async (t) => {
  const stages = { a: { image: 'busybox' }, b: { image: 'busybox', needs: ['a'] }, c: { image: 'busybox' } };
  const cwd = repository(t, { '.cion.yml': JSON.stringify({ stages }) });
  const started = async (run: string) =>
    (await eventsOf(cwd, run)).filter(({ kind }) => kind === 'stage.started').map(({ stage }) => stage);
  assert.equal((await cion(cwd, 'run', '--runtime', 'fake', 'b')).code, 0);
  assert.deepEqual(await started('1'), ['a', 'b']);
  assert.equal((await cion(cwd, 'run', '--runtime', 'fake', '--only', 'b')).code, 0);
  assert.deepEqual(await started('2'), ['b']);
});

test('a reader that leaves early is no error', async (t) => {
  const cwd = repository(t, fake({ FAKE_STDOUT: 'a line\n'.repeat(1000) }));
  const run = start(cwd, 'run', '--runtime', 'fake');
  run.process.stdout.destroy();
  const { code, stderr } = await run.ended;
  assert.deepEqual([code, stderr.toString()], [0, '']);
  const logs = start(cwd, 'logs', 'build');
  logs.process.stdout.destroy();
  assert.equal((await logs.ended).stderr.toString(), '');
  assert.ok(existsSync(join(cwd, '.cion')));
  assert.equal(readFileSync(join(cwd, '.cion/.gitignore'), 'utf8'), '*\n');
});

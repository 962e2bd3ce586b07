import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, beforeEach, test } from 'node:test';
import { pack } from 'tar-stream';
import { ApiError } from '../../api/api-error.ts';
import type { LeaseBytes } from '../../api/worker-bytes.ts';
import { encodeFrame, maxFrameBytes } from '../../api/log-frames.ts';
import { workerClient } from '../../api/worker-client.ts';
import { leaseHeaders, maxLogBatchBytes, protocolHeader, workerPaths, workerProtocol } from '../../api/worker-wire.ts';
import { digestOf } from '../../lib/canonical-json.ts';
import { newRunId } from '../../lib/ids.ts';
import type { Plan } from '../../plan/plan.ts';
import { reference, stage } from '../../plan/stage.ts';
import { fold } from '../../run/fold.ts';
import type { RunEvent, RunFact } from '../../run/run-event.ts';
import { ask } from '../testing/requests.ts';
import { type TestServer, testServer } from '../testing/test-server.ts';

const never = new AbortController().signal;
const exact = Buffer.from('exact \0\xff\n', 'latin1');
let server: TestServer;
let run: string;
before(async () => {
  server = await testServer({ limits: { logBytes: 100_000, uploadBytes: 50_000_000 } });
});
after(() => server.close());
beforeEach(() => {
  run = newRunId(Date.now());
  server.leases.clear();
  server.guard.notes.length = 0;
});

const bytesFor = (stageName: string, options: { worker?: string; token?: number; attempt?: number; held?: boolean } = {}): LeaseBytes => {
  const { worker = 'one', token = 1, attempt = 1, held = true } = options;
  const item = `${run}/${stageName}/${attempt}`;
  if (held) server.leases.add(`${worker} ${item} ${token}`);
  return workerClient({ url: server.url, token: `worker:${worker}` }).bytes({ item, token });
};

const stateWith = (project: string, plan: Plan, ...facts: readonly RunFact[]): void => {
  const all: readonly RunFact[] = [
    { kind: 'run.created', run, number: 1, project, trigger: { kind: 'manual', by: 'ada' } },
    { kind: 'run.planned', plan, digest: 'sha256:plan' },
    ...facts,
  ];
  const state = fold(all.map((fact, i): RunEvent => ({ seq: i + 1, at: i, ...fact })));
  if (state !== undefined) server.states.set(run, state);
};

const planOf = (...nodes: Plan['nodes']): Plan => ({ version: 1, pipeline: 'p', nodes, volumes: [] });
const build = stage({ name: 'build', image: reference('alpine:3') });
const test2 = stage({ name: 'test', image: reference('alpine:3'), env: { V: { kind: 'output', stage: 'build' } } });

const tarOf = (files: Readonly<Record<string, string | Buffer>>): Readable => {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name, mtime: new Date(0) }, content);
  tar.finalize();
  return Readable.from(tar as AsyncIterable<Uint8Array>, { objectMode: false });
};

const sendLog = (body: Uint8Array, token = 1, part = '') =>
  ask(server.url, `${workerPaths.log}?${part}`, {
    as: 'worker:one',
    body,
    headers: { 'content-type': 'application/octet-stream', ...leaseHeaders({ item: `${run}/build/1`, token }) },
  });
const frame = (text: string | Buffer, position: number) =>
  encodeFrame({ stream: 'stdout', at: 1000, position, bytes: Buffer.isBuffer(text) ? text : Buffer.from(text) });
const logText = async (): Promise<string> => (await buffer((await server.results.open(run, 'build.log')) ?? Readable.from([]))).toString();

test('what is not held, not held any more or held by another is refused on every way of the bytes, and written down (atk-16)', async () => {
  bytesFor('build', { token: 2 });
  stateWith('a/b', planOf(build));
  const strangers = [
    bytesFor('build', { token: 1, held: false }),
    bytesFor('build', { token: 3, held: false }),
    bytesFor('build', { token: 2, worker: 'two', held: false }),
    bytesFor('build', { token: 2, attempt: 2, held: false }),
    bytesFor('other', { token: 2, held: false }),
  ];
  const summary = { outcome: 'passed', startedAt: 1, finishedAt: 2, hasLog: true, hasArtifacts: false } as const;
  for (const [i, bytes] of strangers.entries()) {
    const key = { run, stage: i === 4 ? 'other' : 'build', attempt: i === 3 ? 2 : 1 };
    const ofResults = [
      () => bytes.results.begin(key, 1),
      () => bytes.results.putArtifacts(key, tarOf({ a: 'a' })),
      () => bytes.results.finish(key, summary),
      () => bytes.results.open(run, `${key.stage}.json`),
      () => Readable.from(bytes.results.readLog(key, { from: 0, follow: false, signal: never })).toArray(),
    ];
    for (const each of ofResults) {
      await assert.rejects(each, ({ cause }: Error) => cause instanceof ApiError && cause.code === 'LEASE_LOST' && cause.status === 409);
    }
    const others = [
      () => bytes.caches.open('k'),
      () => bytes.caches.save('k', tarOf({ a: 'a' }), 1000),
      () => bytes.trees.open('0'.repeat(64)),
      () => bytes.trees.keep(tarOf({ a: 'a' })),
      () => bytes.outputs.read('build'),
      () => bytes.outputs.keep(exact),
    ];
    for (const each of others) await assert.rejects(each, { code: 'LEASE_LOST', status: 409 });
  }
  assert.equal(server.guard.notes.length, strangers.length * 11);
  assert.ok(server.guard.notes.every(({ action, outcome }) => action === 'worker.bytes' && outcome === 'refused'));
  assert.deepEqual(await readdir(join(server.directory, 'results')).catch(() => []), []);
});

test('a log takes what follows its end, leaves out what it has, and refuses what comes too early (atk-17)', async () => {
  bytesFor('build');
  assert.equal((await sendLog(Buffer.concat([frame('one ', 0), frame('two ', 4)]))).status, 200);
  const again = await sendLog(Buffer.concat([frame('two ', 4), frame('two three', 4)]));
  assert.deepEqual(again.json(), { position: { stdout: 13, stderr: 0 } });
  const gap = await sendLog(frame('five', 20));
  assert.deepEqual([gap.status, gap.json().code], [409, 'LOG_OUT_OF_ORDER']);
  assert.equal(await logText(), 'one two three');
});

test('a log is bytes and not text: what is no UTF-8 comes back as it was (atk-17)', async () => {
  const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 7919) & 0xff));
  const log = await bytesFor('build').results.begin({ run, stage: 'build', attempt: 1 }, 1);
  await log.append({ stream: 'stdout', bytes, at: 1 });
  await log.close();
  assert.deepEqual(await buffer((await server.results.open(run, 'build.log')) ?? Readable.from([])), bytes);
});

test('batches that are too large, damaged or cut off, and logs without end are refused, and nothing of the rest is lost (atk-17)', async () => {
  bytesFor('build');
  await sendLog(frame('kept', 0));
  const large = await sendLog(Buffer.alloc(maxLogBatchBytes + 1));
  assert.deepEqual([large.status, large.json().code], [413, 'REQUEST_TOO_LARGE']);
  const wrong = [
    Buffer.alloc(100),
    frame('cut off', 4).subarray(0, 22),
    Buffer.from('nonsense that is long enough'),
    frame('x', 4).fill(0xff, 16, 20),
  ];
  for (const body of wrong) {
    const answer = await sendLog(body);
    assert.deepEqual([answer.status, answer.json().code], [400, 'LOG_FRAME_INVALID']);
  }
  const endless = await sendLog(Buffer.concat([frame(Buffer.alloc(90_000, 'x'), 4), frame(Buffer.alloc(90_000, 'x'), 90_004)]));
  assert.deepEqual([endless.status, endless.json().code], [413, 'LOG_TOO_LARGE']);
  assert.equal((await sendLog(frame(Buffer.alloc(maxFrameBytes, 'x'), 0))).status, 413);
  assert.equal(await logText(), `kept${'x'.repeat(90_000)}`);
});

test('a worker that says much of a batch and then nothing does not keep the connection', { timeout: 20_000 }, async () => {
  const own = await testServer({ limits: { idleMs: 300 }, leases: { held: async () => true } });
  const { port, hostname } = new URL(own.url);
  const socket = connect(Number(port), hostname);
  const head = {
    ...leaseHeaders({ item: `${run}/build/1`, token: 1 }),
    [protocolHeader]: String(workerProtocol),
    'content-type': 'application/octet-stream',
    'content-length': '1000000',
  };
  const lines = Object.entries({ host: hostname, authorization: 'Bearer worker:one', ...head }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.write(`POST ${workerPaths.log} HTTP/1.1\r\n${lines.join('')}\r\nbut little of it`);
  await new Promise<void>((resolve) =>
    socket
      .on('close', () => resolve())
      .on('error', () => {})
      .resume(),
  );
  await own.close();
});

test('a hundred appends at once arrive in their order with few requests, and again after the server has begun anew', async () => {
  const { results } = bytesFor('build');
  const key = { run, stage: 'build', attempt: 1 };
  const log = await results.begin(key, 1);
  const words = Array.from({ length: 100 }, (_, i) => `${i} `);
  await Promise.all(words.map((word, i) => log.append({ stream: i % 2 === 0 ? 'stdout' : 'stderr', bytes: Buffer.from(word), at: i })));
  assert.equal(await logText(), words.join(''));
  const other = await results.begin(key, 5);
  assert.deepEqual(other.position, log.position);
  await other.append({ stream: 'stdout', bytes: Buffer.from('end'), at: 200 });
  await other.close();
  assert.equal(await logText(), `${words.join('')}end`);
});

test('a worker reads of the results what its own stage left, and of no other stage, whatever it is called', async () => {
  for (const [name, attempt] of [
    ['build', 1],
    ['build', 2],
    ['build.steps', 1],
    ['buildx', 1],
  ] as const) {
    const key = { run, stage: name, attempt };
    await (await server.results.begin(key, 1)).close();
    await server.results.finish(key, { outcome: 'passed', startedAt: 1, finishedAt: 2, hasLog: true, hasArtifacts: false });
  }
  const { results } = bytesFor('build', { attempt: 2 });
  assert.ok(await results.open(run, 'build.json').then((found) => found && buffer(found)));
  assert.ok(await results.open(run, 'build@1.json').then((found) => found && buffer(found)));
  for (const name of ['buildx.json', '../x.json', 'build/../buildx.json', 'other.json', 'build.json.idx']) {
    assert.equal(await results.open(run, name), undefined, name);
  }
  assert.equal(await results.open(newRunId(1), 'build.json'), undefined);
});

test('files are kept by their digest and given to whoever runs a stage of a run that names them', async () => {
  const { trees } = bytesFor('build');
  const tar = await buffer(tarOf({ 'a b': 'x', large: Buffer.alloc(3_000_000, 'large ') }));
  const digest = createHash('sha256').update(tar).digest('hex');
  stateWith('a/b', planOf(build));
  assert.deepEqual(await trees.keep(Readable.from([tar])), { digest, bytes: tar.length });
  await assert.rejects(trees.open(digest), { status: 403, code: 'NOT_OF_THIS_LEASE' });
  stateWith(
    'a/b',
    planOf(build),
    { kind: 'stage.queued', stage: 'build', attempt: 1 },
    { kind: 'volume.kept', stage: 'build', attempt: 1, volume: 'v', tree: `sha256:${digest}`, bytes: tar.length },
  );
  assert.deepEqual(await buffer(await trees.open(digest)), tar);
  assert.deepEqual(await buffer(await bytesFor('test').trees.open(`sha256:${digest}`)), tar);
  await assert.rejects(trees.open('0'.repeat(64)), { status: 403 });
  await assert.rejects(trees.open('../../etc/passwd'), { status: 403 });
});

test('files that break off on their way, or are larger than may be, are not kept', async () => {
  const { trees } = bytesFor('build');
  const tar = await buffer(tarOf({ a: Buffer.alloc(200_000, 'a') }));
  const broken = async function* () {
    yield tar.subarray(0, 100_000);
    throw new Error('the engine is gone');
  };
  await assert.rejects(trees.keep(Readable.from(broken())), { message: 'the engine is gone' });
  const endless = async function* () {
    for (;;) yield Buffer.alloc(1_000_000);
  };
  await assert.rejects(trees.keep(Readable.from(endless())), { code: 'REQUEST_TOO_LARGE', status: 413 });
  const left = await readdir(join(server.directory, 'trees'), { recursive: true });
  assert.ok(!left.includes(join('trees', `${createHash('sha256').update(tar).digest('hex')}.tar`)), left.join());
});

test('a cache is of the project of the run: another finds nothing under the same key', async () => {
  stateWith('a/b', planOf(build));
  const { caches } = bytesFor('build');
  const tar = await buffer(tarOf({ a: 'a' }));
  const key = 'npm/ü key?&=';
  assert.equal(await caches.open(key), undefined);
  assert.equal(await caches.save(key, Readable.from([tar]), Number.POSITIVE_INFINITY), 'saved');
  assert.equal(await caches.save(key, tarOf({ big: 'x'.repeat(5000) }), 4000), 'too-large');
  assert.equal(await caches.save(key, tarOf({}), 4000), 'empty');
  assert.deepEqual(await buffer((await caches.open(key)) ?? Readable.from([])), tar);
  run = newRunId(Date.now());
  stateWith('a/c', planOf(build));
  assert.equal(await bytesFor('build').caches.open(key), undefined);
});

test('an exact output goes to the stages that are given it and to no other, and lies encrypted on the disk', async () => {
  const finished: RunFact = {
    kind: 'stage.finished',
    stage: 'build',
    attempt: 1,
    outcome: 'passed',
    output: { bytes: exact.length, digest: digestOf(exact) },
  };
  stateWith('a/b', planOf(build, test2), { kind: 'stage.queued', stage: 'build', attempt: 1 }, finished);
  await bytesFor('build').outputs.keep(exact);
  assert.deepEqual(await bytesFor('test').outputs.read('build'), exact);
  await assert.rejects(bytesFor('build').outputs.read('build'), { code: 'NOT_OF_THIS_LEASE', status: 403 });
  await assert.rejects(bytesFor('test').outputs.read('test'), { code: 'NOT_OF_THIS_LEASE', status: 403 });
  const files = await readdir(join(server.directory, 'outputs', run));
  for (const file of files) assert.ok(!(await readFile(join(server.directory, 'outputs', run, file))).includes('exact'));
  assert.equal(files.length, 1);
});

test('an output that was not kept apart is read from the log, and not given when that is not what it was', async () => {
  const key = { run, stage: 'build', attempt: 1 };
  const log = await bytesFor('build').results.begin(key, 1);
  await log.append({ stream: 'stderr', bytes: Buffer.from('noise'), at: 1 });
  await log.append({ stream: 'stdout', bytes: exact, at: 2 });
  await log.close();
  const state = (digest: string) =>
    stateWith(
      'a/b',
      planOf(build, test2),
      { kind: 'stage.queued', stage: 'build', attempt: 1 },
      { kind: 'stage.finished', stage: 'build', attempt: 1, outcome: 'passed', output: { bytes: exact.length, digest } },
    );
  state(digestOf(exact));
  assert.deepEqual(await bytesFor('test').outputs.read('build'), exact);
  state('sha256:other');
  await assert.rejects(bytesFor('test').outputs.read('build'), { code: 'OUTPUT_GONE', status: 410 });
});

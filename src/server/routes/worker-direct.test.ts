import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, beforeEach, describe, it } from 'node:test';
import { pack } from 'tar-stream';
import type { LeaseBytes } from '../../api/worker-bytes.ts';
import { workerClient } from '../../api/worker-client.ts';
import { leaseHeaders, workerPaths } from '../../api/worker-wire.ts';
import { newRunId } from '../../lib/ids.ts';
import { reference, stage } from '../../plan/stage.ts';
import { s3Direct } from '../../results/s3/s3-direct.ts';
import { type S3Objects, s3Objects } from '../../results/s3/s3-objects.ts';
import { s3Results } from '../../results/s3/s3-results.ts';
import { type S3Signer, s3Signer } from '../../results/s3/s3-signer.ts';
import { s3Caches, s3Trees } from '../../results/s3/s3-trees.ts';
import { type S3Proxy, s3Proxy } from '../../results/s3/testing/s3-proxy.ts';
import { type S3Server, s3Server, users, whyNoS3 } from '../../results/s3/testing/s3-server.ts';
import { fold } from '../../run/fold.ts';
import type { RunEvent, RunFact } from '../../run/run-event.ts';
import type { AppDeps } from '../app-deps.ts';
import { ask } from '../testing/requests.ts';
import { type TestServer, testServer } from '../testing/test-server.ts';

const tarOf = (files: Readonly<Record<string, string | Buffer>>): Readable => {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name, mtime: new Date(0) }, content);
  tar.finalize();
  return Readable.from(tar as AsyncIterable<Uint8Array>, { objectMode: false });
};
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('bytes of workers that go past the server', { skip: whyNoS3() }, () => {
  let s3: S3Server;
  let proxy: S3Proxy;
  let objects: S3Objects;
  let signer: S3Signer;
  let server: TestServer;
  let folder: string;
  let run: string;
  const through: string[] = [];
  before(async () => {
    s3 = await s3Server();
    proxy = await s3Proxy(s3.endpoint);
    const place = { bucket: await s3.bucket(), prefix: 'ci/' };
    const connection = { endpoint: s3.endpoint, credentials: users.ada, attempts: 1 };
    objects = s3Objects(place, connection);
    signer = s3Signer(place, { ...connection, endpoint: proxy.endpoint }, { now: Date.now, seconds: 60 });
    const noted = <T extends object>(name: string, part: T): T =>
      new Proxy(part, {
        get: (target, key, receiver) => {
          const value = Reflect.get(target, key, receiver) as unknown;
          if (typeof value === 'function') through.push(`${name}.${String(key)}`);
          return value;
        },
      });
    server = await testServer({
      results: noted('results', s3Results(objects)),
      trees: noted('trees', s3Trees(objects)),
      caches: ({ project }) => noted('caches', s3Caches(objects, project)),
      direct: s3Direct(objects, { sign: signer.sign, signHere: signer.sign }),
      limits: { uploadBytes: 5_000_000 },
    } satisfies Partial<AppDeps>);
    folder = await mkdtemp(join(tmpdir(), 'cion-direct-'));
  });
  after(async () => {
    await server.close();
    await Promise.all([objects.close(), signer.close(), proxy.close(), rm(folder, { recursive: true })]);
    s3.close();
  });
  beforeEach(() => {
    run = newRunId(Date.now());
    through.length = 0;
    server.guard.notes.length = 0;
  });

  const bytesFor = (attempt = 1, held = true): LeaseBytes => {
    const item = `${run}/build/${attempt}`;
    if (held) server.leases.add(`one ${item} 1`);
    return workerClient({ url: server.url, token: 'worker:one', folder }).bytes({ item, token: 1 });
  };
  const knows = (...facts: readonly RunFact[]): void => {
    const plan = { version: 1, pipeline: 'p', nodes: [stage({ name: 'build', image: reference('alpine:3') })], volumes: [] } as const;
    const all: readonly RunFact[] = [
      { kind: 'run.created', run, number: 1, project: 'a/b', trigger: { kind: 'manual', by: 'ada' } },
      { kind: 'run.planned', plan, digest: 'sha256:plan' },
      ...facts,
    ];
    const state = fold(all.map((fact, i): RunEvent => ({ seq: i + 1, at: i, ...fact })));
    if (state !== undefined) server.states.set(run, state);
  };

  it('are those of trees, caches and zips: the server has none of them in its hands, and S3 sees no token of ours (atk-45)', async () => {
    const large = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) & 0xff));
    const bytes = bytesFor();
    const tar = await buffer(tarOf({ large }));
    const kept = await bytes.trees.keep(Readable.from([tar]));
    assert.deepEqual(kept, { digest: sha256(tar), bytes: tar.length });
    knows({ kind: 'source.kept', tree: kept.digest, bytes: kept.bytes });
    assert.deepEqual(await buffer(await bytes.trees.open(`sha256:${kept.digest}`)), tar);
    assert.equal(await bytes.caches.open('npm'), undefined);
    assert.equal(await bytes.caches.save('npm', tarOf({ a: 'a' }), 1000), 'saved');
    assert.equal(await bytes.caches.save('npm', tarOf({ a: 'a'.repeat(2000) }), 1000), 'too-large');
    assert.equal(await bytes.caches.save('npm', tarOf({}), 1000), 'empty');
    assert.deepEqual(await buffer((await bytes.caches.open('npm')) ?? Readable.from([])), await buffer(tarOf({ a: 'a' })));
    const artifacts = await bytes.results.putArtifacts({ run, stage: 'build', attempt: 1 }, tarOf({ app: 'the app' }));
    assert.deepEqual([artifacts?.key, artifacts?.files.map(({ path }) => path)], ['build.zip', ['app']]);
    assert.equal(await bytes.results.putArtifacts({ run, stage: 'build', attempt: 1, part: 'steps' }, tarOf({})), undefined);
    const zip = await buffer((await objects.get(`run/${run}/build.zip`)) ?? Readable.from([]));
    assert.deepEqual([zip.length, zip.subarray(0, 2).toString()], [artifacts?.bytes, 'PK']);
    assert.deepEqual(through, []);
    const ours = proxy.seen.filter(({ headers }) => headers.authorization !== undefined || headers['cion-token'] !== undefined);
    assert.deepEqual(ours, []);
    assert.ok(proxy.seen.length > 5);
    assert.deepEqual(await objects.list('uploads/'), []);
    assert.deepEqual(await readdir(folder), []);
  });

  it('are not sent where they are kept already', async () => {
    const tar = await buffer(tarOf({ same: 'same' }));
    await bytesFor(1).trees.keep(Readable.from([tar]));
    const before = proxy.seen.length;
    await bytesFor(2).trees.keep(Readable.from([tar]));
    assert.equal(proxy.seen.length, before);
  });

  it('need the lease at each address, and when they are to be kept: a worker that lost it in between has kept nothing (atk-16)', async () => {
    const putting = bytesFor(1).results.putArtifacts({ run, stage: 'build', attempt: 1 }, tarOf({ app: 'of attempt 1' }));
    await proxy.saw('PUT', `/uploads/${run}/`);
    server.leases.clear();
    await assert.rejects(putting, ({ cause }: Error) => (cause as { code?: string }).code === 'LEASE_LOST');
    assert.equal(await objects.get(`run/${run}/build.zip`), undefined);
    assert.equal((await objects.list(`uploads/${run}/`)).length, 1);
    const stranger = bytesFor(1, false);
    for (const each of [() => stranger.trees.keep(tarOf({ a: 'b' })), () => stranger.caches.open('npm')])
      await assert.rejects(each, { code: 'LEASE_LOST' });
    assert.ok(server.guard.notes.every(({ action, outcome }) => action === 'worker.bytes' && outcome === 'refused'));
  });

  it('are only those that the run has, and not more than a worker may send', async () => {
    const bytes = bytesFor();
    knows();
    const other = await bytes.trees.keep(tarOf({ secret: 'of another run' }));
    await assert.rejects(bytes.trees.open(other.digest), { code: 'NOT_OF_THIS_LEASE' });
    const tooMuch = await ask(server.url, workerPaths.directBegin, {
      as: 'worker:one',
      json: { as: { kind: 'artifacts' }, bytes: 5_000_001, sha256: '0'.repeat(64) },
      headers: leaseHeaders({ item: `${run}/build/1`, token: 1 }),
    });
    assert.deepEqual([tooMuch.status, tooMuch.json()['code']], [413, 'REQUEST_TOO_LARGE']);
  });

  it('wait where S3 does not answer, and nothing is said to be kept', async () => {
    const bytes = bytesFor();
    await bytes.trees.keep(tarOf({ first: 'of all' }));
    proxy.refuse();
    await assert.rejects(bytes.trees.keep(tarOf({ a: 'while it is away' })), { code: 'RESULTS_UNREACHABLE', message: /503/ });
    proxy.pass();
    await bytes.trees.keep(tarOf({ a: 'while it is away' }));
  });

  it('end for good, and are not tried for ever, where what is sent breaks off or the disk of the worker does not take it', async (t) => {
    const bytes = bytesFor();
    const key = { run, stage: 'build', attempt: 1 };
    const broken = Readable.from(
      (async function* () {
        yield await buffer(tarOf({ a: 'a'.repeat(5000) }));
        throw new Error('the engine is gone');
      })(),
      { objectMode: false },
    );
    await assert.rejects(bytes.results.putArtifacts(key, broken), { code: 'RESULTS_UNWRITABLE', message: 'the engine is gone' });
    await assert.rejects(bytes.results.putArtifacts(key, tarOf({ '../out': 'a' })), { code: 'RESULTS_UNWRITABLE', message: /leads out/ });
    assert.equal(await objects.get(`run/${run}/build.zip`), undefined);
    const full = await mkdtemp(join(tmpdir(), 'cion-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=100k', 'tmpfs', full]);
    t.after(async () => {
      execFileSync('umount', ['-l', full]);
      await rm(full, { recursive: true });
    });
    const small = workerClient({ url: server.url, token: 'worker:one', folder: full }).bytes({ item: `${run}/build/1`, token: 1 });
    await assert.rejects(small.results.putArtifacts(key, tarOf({ a: randomBytes(300_000) })), { code: 'NO_SPACE' });
    await assert.rejects(small.trees.keep(tarOf({ a: randomBytes(300_000) })), { code: 'NO_SPACE' });
  });

  it('go through a server that does not want it otherwise', async (t) => {
    const plain = await testServer({ results: s3Results(objects), trees: s3Trees(objects) });
    t.after(() => plain.close());
    plain.leases.add(`one ${run}/build/1 1`);
    const { trees } = workerClient({ url: plain.url, token: 'worker:one', folder }).bytes({ item: `${run}/build/1`, token: 1 });
    const before = proxy.seen.length;
    const { digest } = await trees.keep(tarOf({ b: 'through the server' }));
    assert.equal(proxy.seen.length, before);
    assert.ok(await objects.stored(`trees/${digest}.tar`));
  });
});

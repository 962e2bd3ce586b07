import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import type { Copies } from '../copies.ts';
import { buffer } from 'node:stream/consumers';
import { systemClock } from '../../lib/clock.ts';
import { s3Objects } from './s3-objects.ts';
import { parseS3Place } from './s3-place.ts';
import { type S3Proxy, s3Proxy } from './testing/s3-proxy.ts';
import { type S3Server, s3Server, users, whyNoS3 } from './testing/s3-server.ts';
import { type Trouble, watchedObjects } from './watched-objects.ts';

const copying = { signal: new AbortController().signal, onProgress: () => {} };

describe('objects in S3', { skip: whyNoS3() }, () => {
  let server: S3Server;
  let bucket: string;
  before(async () => {
    server = await s3Server();
    bucket = await server.bucket();
  });
  after(() => server.close());
  const open = (credentials: typeof users.ada | typeof users.bob = users.ada, name = bucket) =>
    s3Objects({ bucket: name, prefix: 'p/' }, { endpoint: server.endpoint, credentials, attempts: 1 });

  it('takes large ones in parts, in bounded memory, byte for byte', async () => {
    const objects = open();
    const piece = randomBytes(1024 * 1024);
    const pieces = 150;
    const hash = createHash('sha256');
    const before = process.memoryUsage().rss;
    let peak = before;
    const content = async function* () {
      for (let i = 0; i < pieces; i++) {
        piece.writeUInt32LE(i);
        hash.update(piece);
        peak = Math.max(peak, process.memoryUsage().rss);
        yield Buffer.from(piece);
      }
    };
    await objects.put('large.zip', Readable.from(content()));
    assert.ok(peak - before < 120e6, `${Math.round((peak - before) / 1e6)} MB more`);
    const found = createHash('sha256');
    for await (const chunk of (await objects.get('large.zip')) ?? []) found.update(chunk);
    assert.equal(found.digest('hex'), hash.digest('hex'));
    await objects.close();
  });

  it('leaves nothing, and no part of a large one, of content that breaks off', async () => {
    const objects = open();
    const content = async function* () {
      for (let i = 0; i < 20; i++) yield Buffer.alloc(1024 * 1024);
      throw new Error('the disk is gone');
    };
    await assert.rejects(objects.put('broken.zip', Readable.from(content())), { code: 'RESULTS_UNWRITABLE', message: /the disk is gone/ });
    assert.equal(await objects.get('broken.zip'), undefined);
    await objects.close();
  });

  it('says what is wrong: no permission, no such bucket (R-DCK-13)', async () => {
    const [bobs, lost] = [open(users.bob), open(users.ada, `${bucket}-lost`)];
    await assert.rejects(bobs.put('a.json', Buffer.from('{}')), { code: 'RESULTS_DENIED', message: /AccessDenied.*403/ });
    await assert.rejects(lost.put('a.json', Buffer.from('{}')), { code: 'RESULTS_NO_BUCKET', message: /NoSuchBucket.*404/ });
    await Promise.all([bobs.close(), lost.close()]);
  });

  it('can be a place of copies', () => {
    const copies: Copies = open();
    assert.equal(copies.name, `s3://${bucket}/p/`);
    return copies.put('a.json', Readable.from([Buffer.from('{}')]), copying);
  });
});

it('a server that never answers is left after a while', async (t) => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => void sockets.add(socket.on('error', () => {})));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const objects = s3Objects({ bucket: 'any', prefix: '' }, { endpoint, credentials: users.ada, attempts: 1, silentMs: 300 });
  await assert.rejects(objects.put('a.json', Buffer.from('{}')), { code: 'RESULTS_UNREACHABLE' });
  await objects.close();
});

it('a place is a bucket and a prefix, without one that of the seeds', () => {
  assert.deepEqual(parseS3Place('s3://my-bucket'), { bucket: 'my-bucket', prefix: 'dockercise/' });
  assert.deepEqual(parseS3Place('s3://my-bucket/'), { bucket: 'my-bucket', prefix: 'dockercise/' });
  assert.deepEqual(parseS3Place('s3://my-bucket/a/b c/'), { bucket: 'my-bucket', prefix: 'a/b c/' });
  for (const text of ['my-bucket', 's3://', 's3:///a', 's3://a_b', 's3://ab\n', 'S3://abc'])
    assert.equal(parseS3Place(text), undefined, text);
});

describe('a place that is away', { skip: whyNoS3() }, () => {
  let server: S3Server;
  let proxy: S3Proxy;
  let place: { readonly bucket: string; readonly prefix: string };
  before(async () => {
    server = await s3Server();
    proxy = await s3Proxy(server.endpoint);
    place = { bucket: await server.bucket(), prefix: 'p/' };
  });
  after(async () => {
    await proxy.close();
    server.close();
  });
  const told: (Trouble | undefined)[] = [];
  const open = (silentMs = 3000) =>
    watchedObjects(s3Objects(place, { endpoint: proxy.endpoint, credentials: users.ada, attempts: 1, silentMs }), {
      clock: systemClock,
      changed: (trouble) => told.push(trouble),
    });
  const ways = ({ objects }: ReturnType<typeof open>): readonly (() => Promise<unknown>)[] => [
    () => objects.put('a.json', Buffer.from('{}')),
    () => objects.put('large.zip', Readable.from([Buffer.alloc(9 * 1024 * 1024)])),
    () => objects.get('a.json'),
    () => objects.metadata('a.json'),
    () => objects.stored('a.json'),
    () => objects.copy('a.json', 'b.json'),
    () => objects.list(''),
    () => objects.remove('b.json'),
  ];

  for (const [how, turnAway] of [
    ['answers 503 (atk-75)', () => proxy.refuse()],
    ['says nothing (atk-75)', () => proxy.hang()],
  ] as const) {
    it(`is one that does not answer when it ${how}, whatever is asked of it, and that is known until it does`, async () => {
      const watched = open();
      for (const way of ways(watched)) await way();
      assert.equal(watched.trouble(), undefined);
      turnAway();
      await Promise.all(ways(watched).map((way) => assert.rejects(way(), { code: 'RESULTS_UNREACHABLE' })));
      assert.ok((watched.trouble()?.since ?? 0) > Date.now() - 60_000);
      proxy.pass();
      for (const way of ways(watched)) await way();
      assert.equal(watched.trouble(), undefined);
      assert.deepEqual(
        told.splice(0).map((trouble) => trouble !== undefined),
        [true, false],
      );
      await watched.objects.close();
    });
  }

  it('is left when it stops in the middle of an object', async () => {
    // For less than this the SDK has a watch of its own.
    const { objects } = open(6000);
    await objects.put('long.zip', Readable.from([Buffer.alloc(20 * 1024 * 1024)]));
    const body = await objects.get('long.zip');
    assert.ok(body);
    await once(body, 'readable');
    proxy.hang();
    await assert.rejects(buffer(body), { code: 'RESULTS_UNREACHABLE', message: /nothing came for 6000 ms/ });
    proxy.pass();
    await objects.close();
  });
});

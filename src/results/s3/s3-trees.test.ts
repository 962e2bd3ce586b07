import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { pack } from 'tar-stream';
import { s3Objects } from './s3-objects.ts';
import { s3Caches, s3Trees } from './s3-trees.ts';
import { type S3Server, s3Server, users, whyNoS3 } from './testing/s3-server.ts';

const tarOf = async (files: Readonly<Record<string, string>>): Promise<Buffer> => {
  const tar = pack();
  for (const [name, text] of Object.entries(files)) tar.entry({ name }, text);
  tar.finalize();
  return buffer(Readable.from(tar));
};

describe('trees and caches in S3', { skip: whyNoS3() }, () => {
  let server: S3Server;
  let bucket: string;
  before(async () => {
    server = await s3Server();
    bucket = await server.bucket();
  });
  after(() => server.close());
  const open = () => s3Objects({ bucket, prefix: 'p/' }, { endpoint: server.endpoint, credentials: users.ada, attempts: 1 });

  it('a tree is kept by the SHA-256 of its tar, once, and given back only as it was', async () => {
    const objects = open();
    const trees = s3Trees(objects);
    const tar = await tarOf({ a: 'a', b: 'b'.repeat(100_000) });
    const digest = createHash('sha256').update(tar).digest('hex');
    assert.deepEqual(await trees.keep(Readable.from([tar])), { digest, bytes: tar.length });
    assert.deepEqual(await trees.keep(Readable.from([tar])), { digest, bytes: tar.length });
    assert.deepEqual(
      (await objects.list('trees/')).map(({ path }) => path),
      [`trees/${digest}.tar`],
    );
    assert.deepEqual(await buffer(await trees.open(`sha256:${digest}`)), tar);
    await assert.rejects(trees.keep(Readable.from([tar.subarray(0, 700)])));
    await assert.rejects(trees.open('../secrets'), { code: 'RESULTS_UNREADABLE' });
    await assert.rejects(trees.open('0'.repeat(64)), { code: 'RESULTS_UNREADABLE' });
    await objects.put(`trees/${digest}.tar`, Buffer.concat([tar, Buffer.alloc(512)]));
    await assert.rejects(buffer(await trees.open(digest)), { code: 'RESULTS_UNREADABLE' });
    await objects.close();
  });

  it('a cache is its owner\u2019s alone, replaced as a whole, and stays when what comes is empty or too large', async () => {
    const objects = open();
    const [mine, yours] = [s3Caches(objects, 'acme/site'), s3Caches(objects, 'acme/site2')];
    const tar = await tarOf({ 'node_modules/a': 'a' });
    assert.equal(await mine.open('npm'), undefined);
    assert.equal(await mine.save('npm', Readable.from([tar]), 1000), 'saved');
    assert.equal(await mine.save('npm', Readable.from([await tarOf({})]), 1000), 'empty');
    assert.equal(await mine.save('npm', Readable.from([await tarOf({ big: 'x'.repeat(2000) })]), 1000), 'too-large');
    assert.deepEqual(await buffer((await mine.open('npm')) ?? Readable.from([])), tar);
    assert.equal(await yours.open('npm'), undefined);
    assert.equal(await mine.open('../acme/site2/npm'), undefined);
    await objects.close();
  });
});

import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { type Header, pack } from 'tar-stream';
import { cacheStore, removeCaches } from './cache-store.ts';

const inDirectory = async (use: (dir: string) => Promise<void>): Promise<void> => {
  const dir = await mkdtemp(join(tmpdir(), 'cion-cache-'));
  try {
    await use(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
};

const tarOf = async (entries: readonly (Partial<Header> & { readonly name: string; readonly content?: string })[]): Promise<Buffer> => {
  const tar = pack();
  for (const { content = '', ...header } of entries) tar.entry({ ...header, mtime: new Date(0) }, content);
  tar.finalize();
  return buffer(Readable.from(tar));
};
const stream = (...parts: readonly Uint8Array[]): Readable => Readable.from(parts, { objectMode: false });
const noLimit = Number.MAX_SAFE_INTEGER;

test('a cache is given back byte for byte: links, modes and odd names with it (R-WRK-170)', () =>
  inDirectory(async (dir) => {
    const tar = await tarOf([
      { name: 'private/', type: 'directory', mode: 0o700 },
      { name: 'private/a b\u00fc\n', mode: 0o400, content: 'x' },
      { name: 'hard', type: 'link', linkname: 'private/a b\u00fc\n' },
      { name: 'soft', type: 'symlink', linkname: '../elsewhere' },
    ]);
    assert.equal(await cacheStore(dir).save('k', stream(tar), noLimit), 'saved');
    const kept = await cacheStore(dir).open('k');
    assert.ok(kept !== undefined);
    assert.deepEqual(await buffer(kept), tar);
    assert.equal(await cacheStore(dir).open('other'), undefined);
  }));

test('one without files, one over its limit and one that breaks off leave the one before, and nothing else', () =>
  inDirectory(async (dir) => {
    const store = cacheStore(dir);
    const before = await tarOf([{ name: 'a', content: 'old' }]);
    const large = await tarOf([{ name: 'a', content: 'x'.repeat(2000) }]);
    await store.save('k', stream(before), noLimit);
    const folders = await tarOf([{ name: 'empty/', type: 'directory' }]);
    assert.equal(await store.save('k', stream(folders), noLimit), 'empty');
    assert.equal(await store.save('k', stream(large), 1999), 'too-large');
    await assert.rejects(store.save('k', stream(large.subarray(0, 1000)), noLimit), { code: 'STATE_UNWRITABLE' });
    const breaks = Readable.from(
      (async function* () {
        yield large.subarray(0, 600);
        throw new Error('the engine is gone');
      })(),
      { objectMode: false },
    );
    await assert.rejects(store.save('k', breaks, noLimit), /the engine is gone/);
    const kept = await store.open('k');
    assert.ok(kept !== undefined);
    assert.deepEqual(await buffer(kept), before);
    assert.deepEqual(await readdir(join(dir, 'cache')), ['k.tar']);
    assert.equal(await store.save('k', stream(large), 2000), 'saved');
  }));

test('who reads while another saves has one of the two, whole; of several savers one wins', () =>
  inDirectory(async (dir) => {
    const store = cacheStore(dir);
    const tars = await Promise.all(['1', '2', '3'].map((content) => tarOf([{ name: 'a', content: content.repeat(300_000) }])));
    await store.save('k', stream(tars[0] ?? Buffer.alloc(0)), noLimit);
    const reading = await store.open('k');
    await Promise.all(tars.slice(1).map((tar) => store.save('k', stream(tar), noLimit)));
    assert.ok(reading !== undefined);
    assert.ok((await buffer(reading)).equals(tars[0] ?? Buffer.alloc(0)));
    const won = await store.open('k');
    assert.ok(won !== undefined);
    const bytes = await buffer(won);
    assert.equal(tars.slice(1).filter((tar) => tar.equals(bytes)).length, 1);
  }));

test('every key is a file in the folder of caches, and all can be removed', () =>
  inDirectory(async (dir) => {
    const store = cacheStore(dir);
    const keys = ['../../out', '..', '', 'a/b', 'x'.repeat(5000), 'A', '~', 'n\u0000'];
    for (const key of keys) await store.save(key, stream(await tarOf([{ name: 'key', content: key }])), noLimit);
    for (const key of keys) {
      const kept = await store.open(key);
      assert.ok(kept !== undefined);
      assert.deepEqual(await buffer(kept), await tarOf([{ name: 'key', content: key }]));
    }
    assert.equal((await readdir(join(dir, 'cache'))).length, keys.length);
    await removeCaches(dir);
    assert.equal(await store.open('A'), undefined);
  }));

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { pack } from 'tar-stream';
import { treeStore } from './tree-store.ts';

test('a tree is kept by the SHA-256 of its tar, and given back only as it was', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'cion-tree-'));
  try {
    const tar = pack();
    tar.entry({ name: 'run.sh', mode: 0o755 }, 'echo hi\n');
    tar.finalize();
    const bytes = await buffer(Readable.from(tar));
    const store = treeStore(dir);
    const expected = createHash('sha256').update(bytes).digest('hex');
    assert.equal(await store.has(expected), false);
    await assert.rejects(store.open(expected), { code: 'TREE_MISSING' });
    assert.equal(await store.put(Readable.from([bytes])), expected);
    assert.equal(await store.put(Readable.from([bytes])), expected);
    assert.deepEqual(await readdir(join(dir, 'trees')), [`${expected}.tar`]);
    assert.equal(await store.has(expected), true);
    assert.deepEqual(await buffer(await store.open(expected)), bytes);
    await assert.rejects(store.put(Readable.from([bytes.subarray(0, 515)])), { code: 'STATE_UNWRITABLE' });
    await assert.rejects(store.open('../state'), { code: 'TREE_MISSING' });
    await writeFile(join(dir, 'trees', `${expected}.tar`), Buffer.concat([bytes, Buffer.alloc(512)]));
    await assert.rejects(buffer(await store.open(expected)), { code: 'TREE_DAMAGED' });
  } finally {
    await rm(dir, { recursive: true });
  }
});

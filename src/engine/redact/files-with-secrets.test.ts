import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { pack } from 'tar-stream';
import { type SecretInName, watchedForSecrets } from './files-with-secrets.ts';

const secret = 'correct horse/battery+staple';

const tarOf = async (files: Readonly<Record<string, string | Buffer>>): Promise<Buffer> => {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content);
  tar.finalize();
  return buffer(tar);
};
const inChunks = (bytes: Buffer, size: number): Readable =>
  Readable.from(Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size)));

test('files that hold a secret in any form are known by their names, wherever the tar is cut; its bytes stay what they are (atk-36)', async () => {
  const filler = 'x'.repeat(3000);
  const base64 = Buffer.from(`user:${secret}`).toString('base64');
  const tar = await tarOf({
    'a/plain.txt': `${filler}${secret}${filler}`,
    'b/none.txt': `${filler}correct horse/battery`,
    'c/base64.txt': `${base64.slice(0, 20)}\n${base64.slice(20)}`,
    'd/hex.bin': Buffer.concat([Buffer.alloc(2000), Buffer.from(Buffer.from(secret).toString('hex'))]),
    'e/url.txt': encodeURIComponent(secret),
    'f/empty': '',
  });
  for (const size of [1, 7, 512, 4096, tar.length]) {
    const watched = watchedForSecrets(inChunks(tar, size), [secret, 'something else']);
    assert.deepEqual(await buffer(watched.tar), tar);
    assert.deepEqual(watched.files(), ['a/plain.txt', 'c/base64.txt', 'd/hex.bin', 'e/url.txt']);
  }
  const nothing = watchedForSecrets(inChunks(tar, 512), []);
  assert.deepEqual([await buffer(nothing.tar), nothing.files()], [tar, []]);
});

test('a tar with a secret in the name of a file, a directory or a link breaks off, and its error does not say it (atk-36)', async () => {
  const named = await tarOf({ 'a.txt': 'a', [`out/${secret}.txt`]: 'b', 'z.txt': 'x'.repeat(100_000) });
  const link = pack();
  link.entry({ name: 'link', type: 'symlink', linkname: `/tmp/${secret}` });
  link.finalize();
  for (const tar of [named, await buffer(link)]) {
    const watched = watchedForSecrets(inChunks(tar, 512), [secret]);
    await assert.rejects(buffer(watched.tar), (error: SecretInName) => {
      assert.equal(error.code, 'SECRET_IN_FILE_NAME');
      assert.doesNotMatch(error.message, /horse/);
      return true;
    });
    assert.equal(watched.refusal()?.code, 'SECRET_IN_FILE_NAME');
  }
});

test('files may be called as a short secret is: `build` does no harm to builds (atk-36, atk-37)', async () => {
  const watched = watchedForSecrets(inChunks(await tarOf({ 'build/main.js': 'the build' }), 512), ['build']);
  await buffer(watched.tar);
  assert.deepEqual(watched.files(), ['build/main.js']);
});

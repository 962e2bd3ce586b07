import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { serverKeys, ServerKeyError } from './server-keys.ts';

const key = (byte: number): string => Buffer.alloc(32, byte).toString('base64');
const codeOf = (of: Parameters<typeof serverKeys>[0]): Promise<string> =>
  serverKeys(of).then(
    () => 'keys',
    (error: unknown) => {
      assert.ok(error instanceof ServerKeyError && !error.message.includes(key(1).slice(0, 43)));
      return error.code;
    },
  );

test('a server has its keys from a file of its own or from its environment, the newest first', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cion-key-test-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'server.key');
  await writeFile(file, `# 2026\n${key(2)}\n\n# 2025\n${key(1)}\n`, { mode: 0o600 });
  const bytes = [2, 1].map((byte) => new Uint8Array(32).fill(byte));
  assert.deepEqual(await serverKeys({ file, text: key(3) }), bytes);
  assert.deepEqual(await serverKeys({ text: `${key(2)}\n${key(1)}` }), bytes);
});

test('a server without a key, with none, or with one that others can read does not start, and says what to do (atk-40)', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cion-key-test-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'server.key');
  assert.equal(await codeOf({}), 'SERVER_KEY_MISSING');
  assert.equal(await codeOf({ text: ' ' }), 'SERVER_KEY_MISSING');
  assert.equal(await codeOf({ file }), 'SERVER_KEY_MISSING');
  for (const wrong of ['short', key(1).slice(1), `${key(1)}x`, Buffer.alloc(33).toString('base64'), 'correct horse battery staple']) {
    assert.equal(await codeOf({ text: wrong }), 'SERVER_KEY_INVALID', wrong);
  }
  await writeFile(file, key(1), { mode: 0o600 });
  await chmod(file, 0o640);
  assert.equal(await codeOf({ file }), 'SERVER_KEY_EXPOSED');
});

test('the way to make a key that a message tells makes one', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cion-key-test-'));
  t.after(() => rm(folder, { recursive: true }));
  const told = await serverKeys({}).catch((error: unknown) => (error instanceof ServerKeyError ? error.hint : ''));
  const command = /Make one: (\(.*?\))\./.exec(String(told))?.[1] ?? '';
  execFileSync('sh', ['-c', command], { cwd: folder });
  assert.equal((await serverKeys({ file: join(folder, 'server.key') })).length, 1);
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { tar } from '../../scripts/setup/tar.mjs';

test('an archive unpacks to what went in: bytes, modes, directories and links', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cion-tar-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const bytes = Buffer.from(Array.from({ length: 1025 }, (_, i) => i % 256));
  const archive = tar([
    { path: 'etc/', mode: 0o750 },
    { path: 'etc/ä b', mode: 0o640, bytes },
    { path: 'empty', mode: 0o755, bytes: Buffer.alloc(0) },
    { path: 'link', target: 'etc/ä b' },
  ]);
  const { status, stderr } = spawnSync('tar', ['-xpf', '-', '-C', folder], { input: archive, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.deepEqual(readFileSync(join(folder, 'link')), bytes);
  assert.equal(readlinkSync(join(folder, 'link')), 'etc/ä b');
  assert.deepEqual(
    ['etc', 'etc/ä b', 'empty'].map((path) => statSync(join(folder, path)).mode & 0o777),
    [0o750, 0o640, 0o755],
  );
});

test('a path that does not fit is an error, not a shorter path', () => {
  assert.throws(() => tar([{ path: 'x'.repeat(101), mode: 0o755, bytes: Buffer.alloc(0) }]), /too long/);
});

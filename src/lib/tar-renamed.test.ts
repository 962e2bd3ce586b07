import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { tarRenamed } from './tar-renamed.ts';

test('entries get other names, with their content, modes and links, in each format; those without a name are left out', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'cion-renamed-'));
  t.after(() => rmSync(root, { recursive: true }));
  const long = `${'n'.repeat(120)} ☃`;
  const from = join(root, 'from');
  mkdirSync(join(from, 'keep', long), { recursive: true });
  writeFileSync(join(from, 'keep', long, 'file'), 'x'.repeat(300_000), { mode: 0o755 });
  writeFileSync(join(from, 'other'), 'no');
  linkSync(join(from, 'keep', long, 'file'), join(from, 'keep', 'hard'));
  linkSync(join(from, 'other'), join(from, 'keep', 'out'));
  symlinkSync('../anywhere', join(from, 'keep', 'soft'));
  for (const format of ['gnu', 'pax']) {
    const given = execFileSync('tar', ['-c', `--format=${format}`, '--sort=name', '-C', from, './other', './keep'], { maxBuffer: 2 ** 26 });
    const to = join(root, format);
    mkdirSync(to);
    const moved = tarRenamed(Readable.from([given]), (name) =>
      name.startsWith('keep/') ? `new/${name.slice('keep/'.length)}` : undefined,
    );
    execFileSync('tar', ['-x', '-C', to], { input: await buffer(moved) });
    const file = join(to, 'new', long, 'file');
    assert.equal(readFileSync(file, 'utf8').length, 300_000);
    assert.equal(statSync(file).mode & 0o777, 0o755);
    assert.equal(statSync(join(to, 'new/hard')).ino, statSync(file).ino);
    const names = execFileSync('find', ['.', '-mindepth', '1', '-printf', '%P%l\n'], { cwd: to, encoding: 'utf8' })
      .trim()
      .split('\n')
      .toSorted();
    assert.deepEqual(names, ['new', 'new/hard', `new/${long}`, `new/${long}/file`, 'new/soft../anywhere']);
  }
});

test('a tar that breaks off is an error', async () => {
  const tar = Readable.from(
    (function* () {
      yield Buffer.alloc(100);
      throw new Error('broken off');
    })(),
  );
  await assert.rejects(buffer(tarRenamed(tar, (name) => name)));
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { UnsafeStep } from './step-entries.ts';
import { tarOfStep } from './tar-of-step.ts';
import { type ArchiveEntry, archiveOfEntries, plainStep } from './testing/step-archive.ts';
import { unpackStep } from './unpack-step.ts';

const script: ArchiveEntry = { name: 'run.sh', content: 'true\n' };
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('unpackStep', () => {
  const refusals: readonly (readonly [string, readonly ArchiveEntry[], RegExp])[] = [
    ['a path that goes up', [script, { name: '../evil', content: 'x' }], /leads out of it: \.\.\/evil/],
    ['a path that goes up in its middle', [script, { name: 'a/../../evil', content: 'x' }], /leads out/],
    ['an absolute path', [script, { name: '/etc/cron.d/evil', content: 'x' }], /absolute path/],
    ['an absolute link', [script, { name: 'l', type: 'symlink', linkname: '/etc/passwd' }], /link that leads out of it: l → \/etc\/passwd/],
    ['a link that goes up', [script, { name: 'd/l', type: 'symlink', linkname: '../../x' }], /link that leads out/],
    [
      'a link that goes up behind another link',
      [script, { name: 'a/up', type: 'symlink', linkname: '..' }, { name: 'l', type: 'symlink', linkname: 'a/up/../../x' }],
      /link that leads out/,
    ],
    [
      'a file that is written through a link',
      [script, { name: 'd', type: 'symlink', linkname: 'lib' }, { name: 'd/evil', content: 'x' }],
      /below d, which is no directory/,
    ],
    ['a hard link to what is outside', [script, { name: 'l', type: 'link', linkname: '/etc/shadow' }], /absolute path/],
    [
      'a hard link to what is not there',
      [script, { name: 'l', type: 'link', linkname: 'other' }],
      /hard link to what is not among its files/,
    ],
    ['a device', [script, { name: 'd', type: 'character-device', devmajor: 1, devminor: 3 }], /character-device/],
    ['a pipe', [script, { name: 'p', type: 'fifo' }], /fifo/],
  ];
  for (const [what, entries, reason] of refusals) {
    test(`refuses ${what} (R-WRK-121)`, async () => {
      await assert.rejects(
        unpackStep(await archiveOfEntries(entries)),
        (error) => error instanceof UnsafeStep && reason.test(error.message),
      );
    });
  }

  test('refuses what is no tar, and a tar that breaks off', async () => {
    const whole = await plainStep('1.0.0');
    for (const bytes of [
      Buffer.from('<html>not a tar, but a page of some length</html>'.repeat(30)),
      gzipSync(Buffer.alloc(700, 'x')),
      whole.subarray(0, 60),
    ]) {
      await assert.rejects(unpackStep(bytes), UnsafeStep);
    }
  });

  test('takes away the one directory that everything in an archive lies in (R-WRK-120)', async () => {
    const files = await unpackStep(await plainStep('1.0.0', 'greet-1.0.0/'));
    assert.deepEqual(Array.from(files.keys()).sort(), ['lib', 'lib/tool', 'run.sh', 'step.yml']);
  });

  test('keeps links inside, executables and hard links as files', async () => {
    const files = await unpackStep(
      await archiveOfEntries([
        { name: './run.sh', content: 'true\n', mode: 0o700 },
        { name: 'bin/run', type: 'symlink', linkname: '../run.sh' },
        { name: 'again', type: 'link', linkname: './run.sh' },
      ]),
    );
    assert.deepEqual(files.get('bin/run'), { kind: 'symlink', target: '../run.sh' });
    assert.deepEqual(files.get('again'), files.get('run.sh'));
    assert.ok(files.get('run.sh')?.kind === 'file');
    assert.equal(files.get('bin')?.kind, 'directory');
  });

  test('one content is one tar, however it was packed', async () => {
    const one = await archiveOfEntries([
      { name: 'top/step.yml', content: 'name: x\n', mtime: new Date(1e12), uid: 5, mode: 0o600 },
      { name: 'top/run.sh', content: 'true\n', mode: 0o755 },
    ]);
    const other = await archiveOfEntries([
      { name: 'run.sh', content: 'true\n', mode: 0o775, uname: 'ada' },
      { name: 'step.yml', content: 'name: x\n', mode: 0o664 },
    ]);
    const [first, second] = [tarOfStep(await unpackStep(one)), tarOfStep(await unpackStep(other))];
    assert.equal(sha256(first), sha256(second));
    assert.deepEqual(await unpackStep(first), await unpackStep(one));
  });
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { pack } from 'tar-stream';
import { tarWithout } from './tar-without.ts';

const namesIn = (tar: Buffer): readonly string[] =>
  execFileSync('tar', ['-t', '--quoting-style=literal'], { input: tar, encoding: 'utf8', maxBuffer: 2 ** 26 })
    .split('\n')
    .filter((name) => name !== '');

/** Chunks of odd sizes: every border lies somewhere in a header, a name or a file. */
const inPieces = (bytes: Buffer, size: number): Readable =>
  Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    })(),
    { objectMode: false },
  );

test('leaves out root entries with all below them, keeps every other byte, in each format and however it is cut', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'cion tar '));
  t.after(() => rmSync(directory, { recursive: true }));
  const long = 'n'.repeat(180);
  for (const place of ['out/deep', 'output', 'a/out', `vol ☃/${long}`, `keep ☃/${long}/${long}`]) {
    mkdirSync(join(directory, place), { recursive: true });
    writeFileSync(join(directory, place, 'file'), place.repeat(100));
    writeFileSync(join(directory, place, `${long}.txt`), 'x');
  }
  symlinkSync('out', join(directory, 'link'));
  symlinkSync(`${long}/${long}`, join(directory, 'out', 'link'));
  const excluded = ['--exclude=./out', '--exclude=./vol ☃'];
  for (const format of ['gnu', 'pax', 'ustar']) {
    const options = ['-c', `--format=${format}`, '--sort=name', '-C', directory, '--blocking-factor=1'];
    const given = format === 'ustar' ? ['--exclude=keep ☃', '--exclude=vol ☃', '--exclude=link', '--exclude=nnnn*'] : [];
    const whole = execFileSync('tar', [...options, ...given, '.']);
    const wanted = execFileSync('tar', [...options, ...given, ...excluded, '.']);
    for (const size of [97, 511, 777, 4096, whole.length]) {
      const { tar, omitted } = tarWithout(inPieces(whole, size), ['out', 'vol ☃', 'nothing of this name']);
      const left = await buffer(tar);
      assert.deepEqual(namesIn(left), namesIn(wanted));
      assert.equal(omitted(), namesIn(whole).length - namesIn(wanted).length);
      assert.ok(left.equals(wanted), `${format} in pieces of ${size}`);
    }
  }
});

test('gives a tar as it is when nothing in it has one of the names', async () => {
  const packing = pack();
  packing.entry({ name: './', type: 'directory' });
  packing.entry({ name: './out.txt' }, 'x');
  packing.finalize();
  const whole = await buffer(packing);
  const { tar, omitted } = tarWithout(Readable.from([whole]), ['out']);
  assert.ok((await buffer(tar)).equals(whole));
  assert.equal(omitted(), 0);
});

test('passes an error on, and destroys the tar when its reader stops', async () => {
  const broken = Readable.from(
    (async function* () {
      yield Buffer.alloc(100);
      throw new Error('lost');
    })(),
    { objectMode: false },
  );
  await assert.rejects(buffer(tarWithout(broken, ['a']).tar), /lost/);
  const source = new Readable({ read: () => {} });
  const { tar } = tarWithout(source, ['a']);
  const closed = new Promise((resolve) => source.once('close', resolve));
  tar.destroy();
  await closed;
});

test('takes 200 MB in 20,000 files in five seconds', async () => {
  const file = Buffer.concat([readFileSync(import.meta.filename), Buffer.alloc(10_240)]).subarray(0, 10_240);
  const packing = pack();
  for (let i = 0; i < 1000; i++) packing.entry({ name: `${i % 10 === 0 ? 'out' : 'd'}/f${i}` }, file);
  packing.finalize();
  const thousand = (await buffer(packing)).subarray(0, -1024);
  const began = performance.now();
  let bytes = 0;
  const { tar, omitted } = tarWithout(
    Readable.from(
      (function* () {
        for (let i = 0; i < 20; i++) for (let at = 0; at < thousand.length; at += 65_536) yield thousand.subarray(at, at + 65_536);
      })(),
      { objectMode: false },
    ),
    ['out'],
  );
  for await (const chunk of tar as AsyncIterable<Uint8Array>) bytes += chunk.length;
  assert.equal(bytes, 18_000 * (10_240 + 512));
  assert.equal(omitted(), 2000);
  assert.ok(performance.now() - began < 5000, `${performance.now() - began} ms`);
});

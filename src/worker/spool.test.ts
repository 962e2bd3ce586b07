import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import type { StoredChunk } from '../results/results.ts';
import { openSpool, type Spool } from './spool.ts';

const atTheBeginning = { stdout: 0, stderr: 0 };

const directoryFor = (t: TestContext): string => {
  const directory = mkdtempSync(join(tmpdir(), 'cion-spool-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
};
const chunk = (text: string, stream: StoredChunk['stream'] = 'stdout', at = 1000): StoredChunk => ({
  stream,
  bytes: Buffer.from(text),
  at,
});

const takeAll = (spool: Spool, maxBytes = 1000): readonly (readonly [string, string])[] => {
  const taken: (readonly [string, string])[] = [];
  for (let next = spool.next(maxBytes); next !== undefined; next = spool.next(maxBytes)) {
    taken.push([next.stream, Buffer.from(next.bytes).toString()]);
    spool.taken();
  }
  return taken;
};

describe('a spool', () => {
  it('gives what was put into it in order, what came together as one piece', (t) => {
    const spool = openSpool(directoryFor(t), atTheBeginning);
    for (const each of [chunk('a'), chunk('b'), chunk('c', 'stderr'), chunk('d', 'stderr', 1099), chunk('e', 'stderr', 1100)])
      spool.append(each);
    assert.deepEqual(spool.position, { stdout: 2, stderr: 3 });
    assert.equal(spool.waiting, 5);
    assert.deepEqual(takeAll(spool), [
      ['stdout', 'ab'],
      ['stderr', 'cd'],
      ['stderr', 'e'],
    ]);
    assert.equal(spool.waiting, 0);
    spool.append(chunk('f'));
    assert.deepEqual(takeAll(spool), [['stdout', 'f']]);
    spool.close();
  });

  it('gives a piece again until it is taken', (t) => {
    const spool = openSpool(directoryFor(t), atTheBeginning);
    spool.append(chunk('once'));
    assert.deepEqual(spool.next(10), spool.next(10));
    spool.close();
  });

  it('goes on where the other side ended, also amid a piece, whatever was put in, however often it is opened', () => {
    const pieces = fc.array(fc.tuple(fc.constantFrom('stdout', 'stderr'), fc.string({ minLength: 1, maxLength: 40 }), fc.nat(150)), {
      minLength: 1,
      maxLength: 30,
    });
    fc.assert(
      fc.property(pieces, fc.array(fc.nat(400), { maxLength: 4 }), fc.integer({ min: 1, max: 60 }), (given, stops, maxBytes) => {
        const directory = mkdtempSync(join(tmpdir(), 'cion-spool-'));
        const whole: { stream: string; byte: number }[] = [];
        let at = 1000;
        let spool = openSpool(directory, atTheBeginning);
        given.forEach(([stream, text, later], index) => {
          at += later;
          const bytes = Buffer.from(text);
          spool.append({ stream, bytes, at });
          for (const byte of bytes) whole.push({ stream, byte });
          if (index % 7 !== 3) return;
          spool.close();
          spool = openSpool(directory, atTheBeginning);
        });
        let had: typeof whole = [];
        for (const stop of [...stops.toSorted((a, b) => a - b), whole.length]) {
          had = whole.slice(0, Math.min(stop, whole.length));
          const position = {
            stdout: had.filter(({ stream }) => stream === 'stdout').length,
            stderr: had.filter(({ stream }) => stream === 'stderr').length,
          };
          spool.close();
          spool = openSpool(directory, position);
          const got = takeSome(spool, maxBytes);
          assert.deepEqual(got, whole.slice(had.length, had.length + got.length));
          assert.ok(got.length > 0 || had.length === whole.length);
          assert.equal(spool.waiting, whole.length - had.length - got.length);
        }
        spool.close();
        rmSync(directory, { recursive: true });
      }),
      { numRuns: 60 },
    );
  });

  it('passes over what a crash left half written', (t) => {
    const directory = directoryFor(t);
    const before = openSpool(directory, atTheBeginning);
    before.append(chunk('whole'));
    before.close();
    const [part = ''] = readdirSync(directory);
    appendFileSync(join(directory, part), Buffer.from([1, 2, 3, 4, 5, 6, 1, 0, 200, 0, 0, 0, 65, 66]));
    const spool = openSpool(directory, atTheBeginning);
    assert.deepEqual(spool.position, { stdout: 5, stderr: 0 });
    spool.append(chunk('next', 'stderr'));
    assert.deepEqual(takeAll(spool), [
      ['stdout', 'whole'],
      ['stderr', 'next'],
    ]);
    spool.close();
  });

  it('begins anew where the other side is, when what it has does not go on from there', (t) => {
    const directory = directoryFor(t);
    const before = openSpool(directory, { stdout: 100, stderr: 0 });
    before.append(chunk('known'));
    before.close();
    for (const position of [
      { stdout: 50, stderr: 0 },
      { stdout: 200, stderr: 3 },
    ]) {
      const spool = openSpool(directory, position);
      assert.deepEqual([spool.position, spool.waiting, spool.next(10)], [position, 0, undefined]);
      spool.close();
    }
  });

  it('says when the other side has lost what it had', (t) => {
    const spool = openSpool(directoryFor(t), atTheBeginning);
    const large = 'x'.repeat(1024 * 1024);
    for (let n = 0; n < 6; n++) spool.append(chunk(large));
    for (let n = 0; n < 5; n++) {
      assert.equal(spool.next(1)?.bytes.length, large.length);
      spool.taken();
    }
    assert.equal(spool.seek({ stdout: 3 * large.length, stderr: 0 }), false);
    assert.equal(spool.seek({ stdout: 5 * large.length, stderr: 0 }), true);
    spool.close();
  });

  it('keeps no more on the disk than what was not taken, in parts of a few megabytes', (t) => {
    const directory = directoryFor(t);
    const spool = openSpool(directory, atTheBeginning);
    const large = 'x'.repeat(1024 * 1024);
    let most = 0;
    for (let n = 0; n < 12; n++) {
      spool.append(chunk(large));
      spool.append(chunk(large, 'stderr'));
      assert.equal(takeAll(spool).length, 2);
      most = Math.max(
        most,
        readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0),
      );
    }
    assert.ok(most < 8 * large.length, `${most} bytes`);
    spool.close();
  });

  it('is for its owner alone', (t) => {
    const directory = join(directoryFor(t), 'of', 'its', 'own');
    const spool = openSpool(directory, atTheBeginning);
    spool.append(chunk('mine'));
    const [part = ''] = readdirSync(directory);
    assert.deepEqual([statSync(directory).mode & 0o777, statSync(join(directory, part)).mode & 0o777], [0o700, 0o600]);
    assert.match(readFileSync(join(directory, part), 'latin1'), /^cionspl1/);
    spool.close();
  });
});

const takeSome = (spool: Spool, maxBytes: number): { stream: string; byte: number }[] => {
  const next = spool.next(maxBytes);
  if (next === undefined) return [];
  spool.taken();
  return [...next.bytes].map((byte) => ({ stream: next.stream, byte }));
};

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { logLines } from './log-lines.ts';

const texts = (chunks: readonly Uint8Array[], held?: number): string[] => {
  const lines = logLines(held);
  let open = '';
  const found: string[] = [];
  for (const piece of [...chunks.flatMap((chunk) => lines.add(chunk)), ...lines.end()]) {
    open += piece.text;
    if (!piece.ends) continue;
    found.push(open);
    open = '';
  }
  return found;
};

test('lines are the same however the bytes come', () => {
  const text = Buffer.from('one\ntwo ü 日本\n\nlast');
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: text.length })), fc.constantFrom(1, 4, 1 << 20), (cuts, held) => {
      const places = [0, ...cuts.sort((a, b) => a - b), text.length];
      const chunks = places.slice(1).map((end, index) => text.subarray(places[index], end));
      assert.deepEqual(texts(chunks, held), ['one', 'two ü 日本', '', 'last']);
    }),
  );
});

test('what is no UTF-8 is replaced', () =>
  assert.deepEqual(texts([Buffer.from([0x61, 0xff, 0x62, 0x0a, 0xe6, 0x97])]), ['a\ufffdb', '\ufffd']));

test('a newline at the end begins no further line', () => assert.deepEqual(texts([Buffer.from('a\n')]), ['a']));

test('of a very long line pieces are given out, so that memory stays bounded', () => {
  const lines = logLines(1000);
  const pieces = Array.from({ length: 100 }, () => lines.add(Buffer.alloc(600, 'x'))).flat();
  assert.ok(pieces.length > 40 && pieces.every((piece) => !piece.ends && piece.text.length <= 1600));
  assert.deepEqual(lines.end().at(-1)?.ends, true);
});

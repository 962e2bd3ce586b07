import assert from 'node:assert/strict';
import { test } from 'node:test';
import { markScanner } from './mark-scanner.ts';

const nonce = '0123456789abcdef';
const written = `no end\x1e${nonce} 1 begin a\x1e\nb\x1e${nonce}x\x1e\x1e${nonce} 2 end a 0 -\x1e\n\n\x1e${nonce.slice(0, 9)}`;

test('marks are found and all other bytes pass, wherever the stream is cut', () => {
  for (let size = 1; size <= written.length; size++) {
    const scanner = markScanner(nonce);
    let seen = '';
    const take = (found: ReturnType<typeof scanner.push>): void => {
      for (const each of found) seen += each.kind === 'bytes' ? each.bytes.toString() : `<${each.words.join(' ')}>`;
    };
    for (let at = 0; at < written.length; at += size) take(scanner.push(Buffer.from(written.slice(at, at + size))));
    take(scanner.end());
    assert.equal(seen, `no end<1 begin a>b\x1e${nonce}x\x1e<2 end a 0 ->\n\x1e${nonce.slice(0, 9)}`, `in pieces of ${size}`);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printable } from './printable.ts';

test('leaves ordinary text of any script alone', () => {
  for (const text of ['plain text', 'größer ≠ 日本語', 'family 👨‍👩‍👧 ok']) assert.equal(printable(text), text);
});

test('makes terminal escapes and line ends visible', () => {
  assert.equal(printable('a\u001b[31mb\u0007\r\n\u007f'), 'a␛[31mb␇␍␊␡');
  assert.equal(printable('\u009b31m'), '\\x9b31m');
});

test('makes direction marks, separators and broken surrogates visible', () => {
  assert.equal(printable('a\u202eb\u2028c\ud800d\ufeff'), 'a\\u{202e}b\\u{2028}c\\u{d800}d\\u{feff}');
});

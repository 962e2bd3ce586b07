import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plural, size } from './quantities.ts';

test('sizes have three digits at most', () => {
  assert.deepEqual([0, 999, 1_000, 4_200_000, 99_960, 999_600, 123_456_789, 2e15].map(size), [
    '0 B',
    '999 B',
    '1.0 kB',
    '4.2 MB',
    '100 kB',
    '1.0 MB',
    '123 MB',
    '2.0 PB',
  ]);
});

test('a noun has an s unless there is one of it', () =>
  assert.deepEqual(
    [0, 1, 2].map((count) => plural(count, 'file')),
    ['0 files', '1 file', '2 files'],
  ));

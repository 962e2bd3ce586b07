import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findListed } from './find-listed.ts';

const known = { what: 'schedule', lister: 'cion schedules' };
const rows = ['abc', 'abcd', 'abxy', 'q'].map((id) => ({ id }));

test('what is listed is named by its id or a beginning that only it has, and a whole id is no beginning of another', () => {
  assert.deepEqual(
    ['abc', 'abcd', 'abx', 'q'].map((text) => findListed(rows, text, known).id),
    ['abc', 'abcd', 'abxy', 'q'],
  );
});

test('a beginning of several, of none, and nothing at all name nothing', () => {
  assert.throws(() => findListed(rows, 'ab', known), { code: 'USAGE', message: 'Several schedules begin with "ab".' });
  for (const text of ['', 'x', 'abcde'])
    assert.throws(() => findListed(rows, text, known), { code: 'USAGE', hint: '"cion schedules" lists them.' });
});

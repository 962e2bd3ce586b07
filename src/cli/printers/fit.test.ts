import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cut, cutPath, cutStart, padEnd, padStart, width, wrap } from './fit.ts';

test('wide characters count two columns, marks none', () => {
  assert.equal(width('日本'), 4);
  assert.equal(width('e\u0301'), 1);
  assert.equal(width('👩‍👩‍👧'), 2);
});

test('what fits stays; what does not is cut to the columns, never through a character', () => {
  assert.equal(cut('build', 5), 'build');
  assert.equal(cut('builds', 5), 'buil…');
  assert.equal(cut('日本語', 5), '日本…');
  assert.equal(cut('日本語', 4), '日…');
  assert.equal(cut('日本', 4), '日本');
  assert.equal(cut('a👩‍👩‍👧b', 3), 'a…');
  assert.equal(cut('abc', 0), '');
  assert.equal(cut('abcdef', 3, '~'), 'ab~');
});

test('a line of megabytes is cut at once', () => {
  const before = performance.now();
  assert.equal(cut('é'.repeat(5_000_000), 4), 'ééé…');
  assert.ok(performance.now() - before < 500);
});

test('the end of a path or an image tells more than its beginning', () => {
  assert.equal(cutStart('registry.example/team/app:1', 8), '…m/app:1');
  assert.equal(cutPath('registry.example/team/app:1', 12), '…/team/app:1');
  assert.equal(cutPath('registry.example/team/app:1', 9), '…/app:1');
  assert.equal(cutPath('app-with-a-long-name', 8), '…ng-name');
});

test('padding counts columns', () => {
  assert.equal(padEnd('日', 4), '日  ');
  assert.equal(padStart('日', 4), '  日');
  assert.equal(padEnd('long', 2), 'long');
});

test('lines are broken at spaces', () =>
  assert.deepEqual(wrap('start the engine, then try again', 12), ['start the', 'engine, then', 'try again']));

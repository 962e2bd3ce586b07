import assert from 'node:assert/strict';
import { test } from 'node:test';
import { palette } from './colour.ts';
import { width } from './fit.ts';
import { table } from './table.ts';
import { plainLook } from './testing/golden.ts';

const columns = [
  { title: 'Name', min: 4 },
  { title: 'Size', align: 'right' },
  { title: 'Image', min: 6, wide: 'cut-start' },
] as const;
const rows = [
  ['build', '12', 'registry.example/team/app:1'],
  ['日本語', '3', 'busybox'],
];

test('columns are aligned by what is seen', () => {
  assert.deepEqual(table(columns, rows, plainLook()), [
    '  Name    Size  Image',
    '  build     12  registry.example/team/app:1',
    '  日本語     3  busybox',
  ]);
});

test('the widest that may be cut is cut until all fits', () => {
  const lines = table(columns, rows, plainLook(30));
  assert.deepEqual(lines, ['  Name    Size  Image', '  build     12  …/team/app:1', '  日本語     3  busybox']);
  assert.ok(lines.every((line) => width(line) <= 30));
});

test('columns in which nothing stands are left out, a table without rows has no lines', () => {
  assert.deepEqual(table(columns, [['build', '', 'a']], plainLook()), ['  Name   Image', '  build  a']);
  assert.deepEqual(table(columns, [], plainLook()), []);
});

test('colours do not count as width', () => {
  const look = { ...plainLook(), palette: palette(true) };
  const [, line] = table(columns, [[{ text: 'a', paint: look.palette.error }, '1', 'x']], look);
  assert.equal(line, '  \x1b[31ma\x1b[39m        1  x');
});

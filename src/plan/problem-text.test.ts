import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Problem } from './problem.ts';
import { problemLines, problemText } from './problem-text.ts';

const problem = (line: number, from: number, to: number, more?: Partial<Problem>): Problem => ({
  code: 'SOME_CODE',
  message: 'Something is wrong.',
  range: { file: 'a.yml', start: { line, column: from }, end: { line, column: to } },
  ...more,
});

const frameOf = (source: string, of: Problem): string =>
  problemLines(of, source)
    .filter(({ part }) => part === 'context' || part === 'code' || part === 'caret')
    .map(({ text }) => text)
    .join('\n');

test('shows file, line, column, code, two lines of context, marks, hint and docs', () => {
  assert.equal(
    problemText(problem(3, 3, 6, { hint: 'Try this.' }), 'one\ntwo\n  abc: d\nfour\nfive\nsix\n'),
    `a.yml:3:3: SOME_CODE
Something is wrong.

  1 | one
  2 | two
> 3 |   abc: d
    |   ^^^
  4 | four
  5 | five

hint: Try this.
docs: docs/errors.md#some_code
`,
  );
});

test('has no excerpt without a source or a range', () => {
  assert.equal(problemText(problem(1, 1, 2)), 'a.yml:1:1: SOME_CODE\nSomething is wrong.\ndocs: docs/errors.md#some_code\n');
  assert.equal(problemText({ code: 'X', message: 'No.' }, 'text'), 'X\nNo.\ndocs: docs/errors.md#x\n');
});

test('aligns line numbers of different lengths and the last line', () => {
  const source = Array.from({ length: 10 }, (_, i) => `line ${i + 1}`).join('\n');
  assert.equal(frameOf(source, problem(9, 1, 5)), '   7 | line 7\n   8 | line 8\n>  9 | line 9\n     | ^^^^\n  10 | line 10');
});

test('keeps the marks below tabs, wide and combining characters', () => {
  assert.equal(frameOf('\tabc', problem(1, 2, 5)), '> 1 | →   abc\n    |     ^^^');
  assert.equal(frameOf('日本: x', problem(1, 5, 6)), '> 1 | 日本: x\n    |       ^');
  assert.equal(frameOf('日本: x', problem(1, 1, 3)), '> 1 | 日本: x\n    | ^^^^');
  assert.equal(frameOf('e\u0301: x', problem(1, 5, 6)), '> 1 | e\u0301: x\n    |    ^');
  assert.equal(frameOf('👨‍👩‍👧: x', problem(1, 11, 12)), '> 1 | 👨‍👩‍👧: x\n    |     ^');
});

test('shows control characters instead of passing them to the terminal', () => {
  assert.equal(frameOf('a\u001b[31mb: c', problem(1, 7, 8)), '> 1 | a␛[31mb: c\n    |       ^');
  const text = problemText(problem(1, 1, 2, { message: 'bad \u001b[2J', hint: 'x\u0007\ny' }), '\u0000');
  assert.match(text, /bad ␛\[2J\n/);
  assert.match(text, /hint: x␇␊y\n/);
  assert.doesNotMatch(text, /[^\P{Cc}\n]/u);
});

test('cuts long lines around the mark', () => {
  const source = `${'a'.repeat(500_000)}BAD${'z'.repeat(500_000)}`;
  const frame = frameOf(source, problem(1, 500_001, 500_004));
  assert.equal(frame, `> 1 | …${'a'.repeat(60)}BAD${'z'.repeat(77)}…\n    | ${' '.repeat(61)}^^^`);
});

test('does not cut through a character', () => {
  assert.doesNotMatch(frameOf('😀'.repeat(500), problem(1, 400, 402)), /\\u\{d/);
  assert.doesNotMatch(frameOf('😀'.repeat(500), problem(1, 401, 403)), /\\u\{d/);
});

test('marks a range of several lines to the end of its first line', () => {
  const range = { file: 'a.yml', start: { line: 1, column: 3 }, end: { line: 3, column: 1 } };
  assert.equal(frameOf('a: b c\nd\n', { code: 'X', message: 'm', range }), '> 1 | a: b c\n    |   ^^^^\n  2 | d');
});

test('marks one column for an empty range, also at the end of the text and beyond it', () => {
  assert.equal(frameOf('a:', problem(1, 3, 3)), '> 1 | a:\n    |   ^');
  assert.equal(frameOf('', problem(1, 1, 1)), '> 1 |\n    | ^');
  assert.equal(frameOf('a:\n', problem(9, 40, 50)), '  1 | a:\n> 2 |\n    | ^');
});

test('reads CRLF lines, and no byte order mark', () => {
  assert.equal(frameOf('\ufeffa: 1\n', problem(1, 1, 2)), '> 1 | a: 1\n    | ^');
  assert.equal(frameOf('a: 1\r\nb: 2\r\n', problem(2, 1, 2)), '  1 | a: 1\n> 2 | b: 2\n    | ^');
});

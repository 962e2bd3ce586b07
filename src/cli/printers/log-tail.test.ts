import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StreamName } from '../../runtimes/runtime.ts';
import { logTail } from './log-tail.ts';

const tailOf = (...chunks: readonly (string | Uint8Array | readonly [StreamName, string])[]) => {
  const tail = logTail();
  for (const chunk of chunks) {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) tail.add({ stream: 'stdout', bytes: Buffer.from(chunk) });
    else tail.add({ stream: chunk[0], bytes: Buffer.from(chunk[1]) });
  }
  return tail;
};

test('the newest line with something in it, finished or not', () => {
  assert.equal(tailOf().lastLine(), '');
  assert.equal(tailOf('one\ntwo\n').lastLine(), 'two');
  assert.equal(tailOf('one\ntwo\n\n  \n').lastLine(), 'two');
  assert.equal(tailOf('one\ntw', 'o').lastLine(), 'two');
});

test('a line is seen as a terminal would leave it', () => {
  assert.equal(tailOf('10%\r50%\r100%').lastLine(), '100%');
  assert.equal(tailOf('10%\r50%\r').lastLine(), '50%');
  assert.equal(tailOf('done\r\n').lastLine(), 'done');
  assert.equal(tailOf('\x1b[32mok\x1b[0m\x1b]0;title\x07\tgood\n').lastLine(), 'ok  good');
});

test('streams that take turns do not run into one line', () => {
  assert.deepEqual(tailOf(['stdout', 'half'], ['stderr', 'oops'], ['stdout', ' more\n']).lastLines(9), {
    lines: ['half', 'oops', ' more'],
    more: false,
  });
});

test('the last lines, and whether there were others', () => {
  const tail = tailOf(Array.from({ length: 30 }, (_, index) => `line ${index}\n`).join(''));
  assert.deepEqual(tail.lastLines(2), { lines: ['line 28', 'line 29'], more: true });
  assert.equal(tail.lastLines(30).more, false);
  assert.deepEqual(tailOf().lastLines(20), { lines: [], more: false });
  assert.deepEqual(tailOf('a\n\nb\n').lastLines(20).lines, ['a', '', 'b']);
});

test('of megabytes the end is kept', () => {
  const tail = tailOf(Buffer.alloc(5_000_000, 'x'), '\nend', 'ing\n');
  assert.equal(tail.lastLine(), 'ending');
  assert.equal(tail.lastLines(20).more, true);
  const many = tailOf(...Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`));
  assert.deepEqual(many.lastLines(2).lines, ['line 19998', 'line 19999']);
});

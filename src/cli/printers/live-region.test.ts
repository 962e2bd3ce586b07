import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { liveRegion } from './live-region.ts';
import { makeScreen } from './testing/screen.ts';

test('lines are painted over in place, and what is above stays', () => {
  const screen = makeScreen(40, 10);
  const region = liveRegion(screen);
  region.show([], ['one 1', 'two 1']);
  region.show([], ['one 2', 'two 1']);
  region.show(['done'], ['two 2']);
  assert.equal(screen.text(), 'done\ntwo 2');
  region.show([], ['two 3', 'three', 'four']);
  assert.equal(screen.text(), 'done\ntwo 3\nthree\nfour');
  region.close();
  assert.equal(screen.text(), 'done');
});

test('only lines that changed are written, nothing when none did', () => {
  const screen = makeScreen(40, 10);
  const region = liveRegion(screen);
  region.show([], ['steady '.repeat(4), 'old', 'steady too '.repeat(3)]);
  const before = screen.written.bytes;
  region.show([], ['steady '.repeat(4), 'new', 'steady too '.repeat(3)]);
  assert.ok(screen.written.bytes - before < 40);
  const { writes } = screen.written;
  region.show([], ['steady '.repeat(4), 'new', 'steady too '.repeat(3)]);
  assert.equal(screen.written.writes, writes);
});

test('the cursor is hidden while something is live, and given back at the end, once', () => {
  const screen = makeScreen();
  const region = liveRegion(screen);
  region.close();
  assert.equal(screen.written.writes, 0);
  region.show([], ['x']);
  assert.deepEqual([screen.cursor.isHidden, screen.isUpdating], [true, false]);
  region.close();
  region.close();
  assert.deepEqual(screen.cursor, { row: 0, column: 0, isHidden: false });
});

test('a terminal that becomes narrower or wider keeps no leftovers', () => {
  const screen = makeScreen(40, 12);
  const region = liveRegion(screen);
  region.show(['done'], ['a'.repeat(39), 'b'.repeat(39)]);
  screen.resize(20, 12);
  region.show([], ['a'.repeat(19), 'b'.repeat(19)]);
  assert.equal(screen.text(), `done\n${'a'.repeat(19)}\n${'b'.repeat(19)}`);
  screen.resize(60, 12);
  region.show([], ['c']);
  assert.equal(screen.text(), 'done\nc');
});

test('whatever is shown in whatever order, the screen is what is above and what is live now', () => {
  const line = fc.constantFrom('', 'a', 'b', 'longer', '日本');
  const step = fc.record({ above: fc.array(line, { maxLength: 2 }), lines: fc.array(line, { maxLength: 5 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const screen = makeScreen(20, 6);
      const region = liveRegion(screen);
      const above: string[] = [];
      let lines: readonly string[] = [];
      for (const next of steps) {
        above.push(...next.above);
        lines = next.lines;
        region.show(next.above, lines);
        assert.equal(screen.history(), [...above, ...lines].join('\n').trimEnd());
      }
      region.close();
      assert.equal(screen.history(), above.join('\n').trimEnd());
      assert.deepEqual(screen.unknown, []);
    }),
  );
});

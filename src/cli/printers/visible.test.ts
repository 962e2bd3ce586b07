import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { visible } from './visible.ts';

const attacks: readonly (readonly [string, string, string])[] = [
  ['a colour', 'a\x1b[31mred\x1b[0m', 'ared'],
  ['a window title', 'a\x1b]0;owned\x07b', 'ab'],
  ['the clipboard, ended by ST', 'a\x1b]52;c;ZXZpbA==\x1b\\b', 'ab'],
  ['a hyperlink', '\x1b]8;;http://x/\x1b\\text\x1b]8;;\x1b\\', 'text'],
  ['a device control string', 'a\x1bPq#0\x1b\\b', 'ab'],
  ['8-bit CSI and OSC', 'a\x9b31mb\x9d0;title\x07c', 'abc'],
  ['cursor movements and erasing', 'safe\x1b[2K\x1b[1A\x1b[Hevil', 'safeevil'],
  ['a sequence that never ends', 'a\x1b]0;never', 'a0;never'],
  ['a lone escape at the end', 'a\x1b', 'a'],
  ['a reset of the terminal', 'a\x1bcb', 'ab'],
  ['bell, backspace, delete', 'a\x07\x08\x7fb', 'ab'],
  ['line breaks of all kinds', 'a\nb\r\nc\rd\u2028e\x85f', 'a b c d e f'],
  ['tabs', 'a\tb', 'a b'],
  ['reversed reading', 'user\u202enimda', 'usernimda'],
  ['invisible characters', 'a\u200bb\u2060c\ufeffd\u{e0041}', 'abcd'],
  ['half a surrogate pair', 'a\ud800b', 'a\ufffdb'],
];

for (const [what, text, shown] of attacks) {
  test(`untrusted text shows and does nothing else: ${what}`, () => assert.equal(visible(text), shown));
}

test('text in any script stays as it is', () => {
  for (const text of ['plain ASCII ~', 'Zürich', '日本語', 'שלום', '👩‍👩‍👧 family', 'e\u0301']) assert.equal(visible(text), text);
});

test('colours stay where they are asked for, closed at the end; everything else goes all the same', () => {
  assert.equal(visible('\x1b[1;32mok\x1b]0;t\x07\x1b[2J', { colour: true }), '\x1b[1;32mok\x1b[0m');
  assert.equal(visible('\x1b[38:2::1:2:3mx\x1b[0m', { colour: true }), '\x1b[38:2::1:2:3mx\x1b[0m');
  assert.equal(visible('\x1b\x1b[31m[2Jx', { colour: true }), '\x1b[31m[2Jx\x1b[0m');
});

test('tabs stay where they are asked for', () => assert.equal(visible('a\tb\x07\n', { tabs: true }), 'a\tb '));

test('whatever the characters are, no control character is left, and a second time changes nothing', () => {
  const nasty = fc.string({
    unit: fc.constantFrom('\x1b', '[', ']', '3', '1', 'm', ';', '\x07', '\\', 'a', '\n', '\x9b', '\u202e', 'P', '日'),
  });
  fc.assert(
    fc.property(fc.oneof(nasty, fc.string({ unit: 'binary' })), (text) => {
      const shown = visible(text);
      assert.doesNotMatch(shown, /[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
      assert.equal(visible(shown), shown);
      const coloured = visible(text, { colour: true }).replace(/\x1b\[[0-9;:]*m/g, '');
      assert.doesNotMatch(coloured, /[\x00-\x1f\x7f-\x9f]/);
    }),
    { numRuns: 500 },
  );
});

test('a megabyte of escapes that never end takes no more than linear time', () => {
  const text = '\x1b]'.repeat(500_000);
  const before = performance.now();
  assert.equal(visible(text), '');
  assert.ok(performance.now() - before < 2_000);
});

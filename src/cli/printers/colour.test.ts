import assert from 'node:assert/strict';
import { test } from 'node:test';
import { palette, wantsColour } from './colour.ts';
import { showsUnicode } from './glyphs.ts';
import { look } from './look.ts';

test('a terminal has colours, a pipe has none', () => {
  assert.equal(wantsColour({ env: {}, isTTY: true }), true);
  assert.equal(wantsColour({ env: {}, isTTY: false }), false);
  assert.equal(wantsColour({ env: { TERM: 'dumb' }, isTTY: true }), false);
});

test('NO_COLOR takes the colours away, unless it is empty', () => {
  assert.equal(wantsColour({ env: { NO_COLOR: '1' }, isTTY: true }), false);
  assert.equal(wantsColour({ env: { NO_COLOR: '0' }, isTTY: true }), false);
  assert.equal(wantsColour({ env: { NO_COLOR: '' }, isTTY: true }), true);
  assert.equal(wantsColour({ env: { NO_COLOR: '1', FORCE_COLOR: '1' }, isTTY: true }), false);
});

test('FORCE_COLOR gives them to a pipe, or takes them from a terminal', () => {
  assert.equal(wantsColour({ env: { FORCE_COLOR: '1' }, isTTY: false }), true);
  assert.equal(wantsColour({ env: { FORCE_COLOR: '' }, isTTY: false }), true);
  assert.equal(wantsColour({ env: { FORCE_COLOR: '0' }, isTTY: true }), false);
  assert.equal(wantsColour({ env: { FORCE_COLOR: 'false' }, isTTY: true }), false);
});

test('what the command line says goes first', () => {
  assert.equal(wantsColour({ env: { FORCE_COLOR: '1' }, isTTY: true, flag: false }), false);
  assert.equal(wantsColour({ env: { NO_COLOR: '1' }, isTTY: false, flag: true }), true);
});

test('a palette without colours changes nothing', () => {
  const { outcome, strong, stages } = palette(false);
  assert.equal([outcome.failed, strong, ...stages].map((paint) => paint('x')).join(''), 'x'.repeat(7));
  assert.equal(palette(true).outcome.failed('x'), '\x1b[31mx\x1b[39m');
});

test('a locale that says something other than UTF-8 gets ASCII', () => {
  assert.equal(showsUnicode({ LANG: 'de_DE.UTF-8' }), true);
  assert.equal(showsUnicode({ LANG: 'C.utf8' }), true);
  assert.equal(showsUnicode({ LANG: 'en_US.ISO-8859-1' }), false);
  assert.equal(showsUnicode({ LANG: 'de_DE.UTF-8', LC_ALL: 'C' }), false);
  assert.equal(showsUnicode({ LC_ALL: '', LC_CTYPE: 'en_US.UTF-8', LANG: 'C' }), true);
  assert.equal(showsUnicode({}), true);
  assert.equal(showsUnicode({ TERM: 'dumb' }), false);
});

test('a look has a width also where the output has none', () => {
  assert.equal(look({ env: {}, isTTY: false }).columns, 100);
  assert.equal(look({ env: {}, isTTY: true, columns: 0 }).columns, 100);
  assert.equal(look({ env: {}, isTTY: true, columns: 60 }).columns, 60);
});

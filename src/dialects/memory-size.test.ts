import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMemorySize } from './memory-size.ts';

test('reads sizes with binary units', () => {
  const sizes: readonly (readonly [string, number])[] = [
    ['512m', 536_870_912],
    ['512MiB', 536_870_912],
    ['512MB', 536_870_912],
    ['1.5g', 1_610_612_736],
    ['6m', 6_291_456],
    ['8192k', 8_388_608],
  ];
  for (const [text, bytes] of sizes) assert.deepEqual(parseMemorySize(text), { ok: true, value: bytes });
});

test('refuses sizes without a unit and those that no container runs with', () => {
  for (const text of ['', '512', '1m', '0g', '-1g', 'much', '1e9', '512 m', '5x', '9'.repeat(500)])
    assert.equal(parseMemorySize(text).ok, false, text);
});

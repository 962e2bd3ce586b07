import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDuration } from './duration.ts';

test('reads hours, minutes, seconds and milliseconds', () => {
  const durations: readonly (readonly [string, number])[] = [
    ['90s', 90_000],
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['1h', 3_600_000],
    ['500ms', 500],
    ['1m500ms', 60_500],
    ['576h', 2_073_600_000],
  ];
  for (const [text, ms] of durations) assert.deepEqual(parseDuration(text), { ok: true, value: ms });
});

test('refuses what has no unit, no length or too much of it', () => {
  for (const text of [
    '',
    '10',
    '10 m',
    '1.5h',
    '-5s',
    '0s',
    '0h0m',
    '5d',
    '30s1m',
    'ten',
    '577h',
    '9'.repeat(400),
    `${'9'.repeat(400)}s`,
  ]) {
    assert.equal(parseDuration(text).ok, false, text);
  }
  const seconds = parseDuration('600');
  assert.match(seconds.ok ? '' : (seconds.problems[0]?.hint ?? ''), /"600s" for seconds/);
});

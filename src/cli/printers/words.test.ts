import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, dateTime, duration, elapsed, list, shortDigest } from './words.ts';
import { limit } from '../../lib/quantities.ts';

test('durations are as exact as they are short', () => {
  const said = [0, 40, 400, 12_340, 59_940, 59_960, 64_000, 3_599_400, 3_600_000, 7_500_000, 86_400_000, 273_600_000].map(duration);
  assert.deepEqual(said, [
    '0.0 s',
    '0.0 s',
    '0.4 s',
    '12.3 s',
    '59.9 s',
    '1m 00s',
    '1m 04s',
    '59m 59s',
    '1h 00m',
    '2h 05m',
    '1d 00h',
    '3d 04h',
  ]);
  assert.equal(duration(-5), '0.0 s');
});

test('clocks that tick show whole seconds', () =>
  assert.deepEqual([0, 999, 59_999, 64_000].map(elapsed), ['0 s', '0 s', '59 s', '1m 04s']));

test('limits are said as they were set', () => {
  assert.deepEqual([500, 1_500, 30_000, 600_000, 5_400_000, 3_601_000].map(limit), [
    '500 ms',
    '1.5 s',
    '30 s',
    '10 min',
    '1 h 30 min',
    '1 h 1 s',
  ]);
});

test('how long ago something was is said in its largest unit', () => {
  const now = 1_000_000_000_000;
  assert.deepEqual(
    [1, 30, 60, 185, 7_200, 86_400 * 3, 86_400 * 14, 86_400 * 70, 86_400 * 800].map((seconds) => ago(now - seconds * 1000, now)),
    [
      'just now',
      '30 seconds ago',
      '1 minute ago',
      '3 minutes ago',
      '2 hours ago',
      '3 days ago',
      '2 weeks ago',
      '2 months ago',
      '2 years ago',
    ],
  );
  assert.equal(ago(now + 7_200_000, now), 'in 2 hours');
});

test('dates are in the zone that was asked for', () => {
  const at = Date.UTC(2026, 10, 21, 12, 29, 7);
  assert.equal(dateTime(at, 'UTC'), '2026-11-21 12:29:07');
  assert.equal(dateTime(at, 'Asia/Tokyo'), '2026-11-21 21:29:07');
});

test('lists and digests', () => {
  assert.deepEqual(
    [[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map((items) => list(items)),
    ['', 'a', 'a and b', 'a, b and c'],
  );
  assert.equal(shortDigest(`sha256:${'ab'.repeat(32)}`), 'sha256:abababababab');
  assert.equal(shortDigest('odd'), 'odd');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '../../lib/virtual-clock.ts';
import { throttleOf } from './throttle.ts';

const pair = { key: 'ada from 203.0.113.7', free: 3, longestMs: 60_000 };
const address = { key: '203.0.113.7', free: 5, longestMs: 60_000 };

test('atk-65: after some failures each further guess has to wait twice as long as the one before', async () => {
  const clock = virtualClock({ startAt: 1_000_000 });
  const throttle = throttleOf(clock);
  for (let i = 0; i < 3; i++) assert.equal(throttle.begin([pair]), 0);
  const waits: number[] = [];
  for (let i = 0; i < 8; i++) {
    const wait = throttle.begin([pair]);
    waits.push(wait);
    await clock.advance(wait);
    assert.equal(throttle.begin([pair]), 0);
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
});

test('atk-65: many guesses at the same time are counted before any is answered', () => {
  const throttle = throttleOf(virtualClock({ startAt: 1_000_000 }));
  const allowed = Array.from({ length: 100 }, () => throttle.begin([pair])).filter((wait) => wait === 0);
  assert.equal(allowed.length, 3);
});

test('atk-65: one address that tries many names is slowed down too', () => {
  const throttle = throttleOf(virtualClock({ startAt: 1_000_000 }));
  const allowed = Array.from({ length: 100 }, (_, i) => throttle.begin([{ ...pair, key: `name-${i}` }, address])).filter((w) => w === 0);
  assert.equal(allowed.length, 5);
});

test('who gets it right is forgiven, but not what others did from the same address', () => {
  const throttle = throttleOf(virtualClock({ startAt: 1_000_000 }));
  for (let i = 0; i < 4; i++) throttle.begin([{ ...pair, key: `name-${i}` }, address]);
  assert.equal(throttle.begin([pair, address]), 0);
  assert.ok(throttle.begin([pair, address]) > 0);
  throttle.passed([pair, address]);
  assert.equal(throttle.begin([pair, address]), 0);
  assert.ok(throttle.begin([pair, address]) > 0);
});

test('a key that was quiet for an hour begins anew', async () => {
  const clock = virtualClock({ startAt: 1_000_000 });
  const throttle = throttleOf(clock);
  for (let i = 0; i < 3; i++) throttle.begin([pair]);
  await clock.advance(3_600_001);
  for (let i = 0; i < 3; i++) assert.equal(throttle.begin([pair]), 0);
});

test('it remembers a bounded number of keys, however many are tried', () => {
  const throttle = throttleOf(virtualClock({ startAt: 1_000_000 }));
  for (let i = 0; i < 3; i++) throttle.begin([pair]);
  for (let i = 0; i < 20_000; i++) throttle.begin([{ ...pair, key: `k${i}` }]);
  assert.equal(throttle.begin([pair]), 0);
});

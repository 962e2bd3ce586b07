import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endableClock } from './endable-clock.ts';
import { virtualClock } from './virtual-clock.ts';

test('a clock that can be ended is as the one below until then, and leaves nothing waiting there', async () => {
  const below = virtualClock({ startAt: 1000 });
  const clock = endableClock(below);
  const called: string[] = [];
  clock.after(10, () => called.push('a'));
  clock.after(20, () => called.push('b'))();
  clock.after(30, () => called.push('c'));
  await below.advance(15);
  assert.deepEqual([clock.now(), called, below.pending()], [1015, ['a'], 1]);
  clock.end();
  clock.after(1, () => called.push('d'))();
  assert.equal(below.pending(), 0);
  await below.advance(100);
  assert.deepEqual(called, ['a']);
});

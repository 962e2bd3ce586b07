import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pauses } from './pauses.ts';
import { virtualClock } from './virtual-clock.ts';

test('a pause ends when its time is over, when it is woken, and when nobody wants it any more', async () => {
  const clock = virtualClock();
  const { wait, wake } = pauses(clock);
  const going = new AbortController();
  const first = wait(100, going.signal);
  await clock.advance(100);
  await first;
  const second = wait(100, going.signal);
  wake();
  await second;
  wake();
  await wait(100, going.signal);
  const third = wait(100, going.signal);
  going.abort();
  await third;
  await wait(100, going.signal);
  assert.equal(clock.now(), 100);
  assert.equal(clock.pending(), 0);
});

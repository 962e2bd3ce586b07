import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from './clock.ts';

describe('the system clock', () => {
  it('waits as long as it is told, also for weeks', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const day = 24 * 3_600_000;
    let calls = 0;
    systemClock.after(40 * day, () => calls++);
    const cancel = systemClock.after(40 * day, () => assert.fail('it was cancelled'));
    t.mock.timers.tick(39 * day);
    assert.equal(calls, 0);
    cancel();
    t.mock.timers.tick(day);
    assert.equal(calls, 1);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from './clock.ts';

describe('the system clock', () => {
  it('waits as long as it is told, also for weeks', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const hour = 3_600_000;
    const day = 24 * hour;
    let calls = 0;
    systemClock.after(40 * day, () => calls++);
    const cancel = systemClock.after(40 * day, () => assert.fail('it was cancelled'));
    for (let passed = 0; passed < 39 * day; passed += hour) t.mock.timers.tick(hour);
    assert.equal(calls, 0);
    cancel();
    for (let passed = 0; passed < 2 * day; passed += hour) t.mock.timers.tick(hour);
    assert.equal(calls, 1);
  });

  it('takes a time that is over for none, without a word', async () => {
    const said: Error[] = [];
    const hear = (warning: Error): void => void said.push(warning);
    process.on('warning', hear);
    await new Promise<void>((resolve) => void systemClock.after(-10, resolve));
    await new Promise((resolve) => void setImmediate(resolve));
    process.off('warning', hear);
    assert.deepEqual(said, []);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextTime } from './next-time.ts';

const times = (cron: string, timeZone: string, from: string, count: number): readonly string[] => {
  const found: string[] = [];
  for (let at = Date.parse(from); found.length < count; ) {
    at = nextTime({ cron, timeZone }, at);
    found.push(new Date(at).toISOString().slice(0, 16));
  }
  return found;
};

test('a daily time is there once on the day on which clocks go on, and once on the day on which they go back (atk-55)', () => {
  assert.deepEqual(times('30 2 * * *', 'Europe/Paris', '2026-03-28T12:00Z', 2), ['2026-03-29T01:00', '2026-03-30T00:30']);
  assert.deepEqual(times('30 2 * * *', 'Europe/Paris', '2026-10-24T12:00Z', 2), ['2026-10-25T00:30', '2026-10-26T01:30']);
  assert.deepEqual(times('0,30 2 * * *', 'Europe/Paris', '2026-10-24T12:00Z', 3), [
    '2026-10-25T00:00',
    '2026-10-25T00:30',
    '2026-10-26T01:00',
  ]);
});

test('what is wanted each half hour goes on each half hour whatever clocks do (atk-55)', () => {
  const back = ['2026-10-25T00:00', '2026-10-25T00:30', '2026-10-25T01:00', '2026-10-25T01:30', '2026-10-25T02:00'];
  assert.deepEqual(times('*/30 * * * *', 'Europe/Paris', '2026-10-24T23:30Z', 5), back);
  const on = ['2026-03-29T00:30', '2026-03-29T01:00', '2026-03-29T01:30', '2026-03-29T02:00'];
  assert.deepEqual(times('*/30 * * * *', 'Europe/Paris', '2026-03-29T00:00Z', 4), on);
});

test('days, weekdays, words and rare days are understood', () => {
  assert.deepEqual(times('0 0 L * *', 'UTC', '2026-01-15T00:00Z', 2), ['2026-01-31T00:00', '2026-02-28T00:00']);
  assert.deepEqual(times('0 9 * * MON-FRI', 'UTC', '2026-11-20T10:00Z', 1), ['2026-11-23T09:00']);
  assert.deepEqual(times(' @daily ', 'Asia/Tokyo', '2026-11-20T10:00Z', 1), ['2026-11-20T15:00']);
  assert.deepEqual(times('0 0 29 2 *', 'UTC', '2026-01-01T00:00Z', 1), ['2028-02-29T00:00']);
  assert.deepEqual(times('* * * * *', 'UTC', '2026-01-01T00:00Z', 2), ['2026-01-01T00:01', '2026-01-01T00:02']);
});

test('each second, a time that never comes, a year, a date and what cannot be read are refused (atk-55)', () => {
  for (const cron of [
    '* * * * * *',
    '*/5 * * * * *',
    '0 0 0 1 1 * 9999',
    '@secondly',
    '2026-12-01T00:00:00',
    '0 0 30 2 *',
    '61 * * * *',
    '~ * * * *',
    '',
    '* * * *',
    '\n* * * * *\n* * * * *',
  ]) {
    assert.throws(() => nextTime({ cron, timeZone: 'UTC' }, 0), { name: 'TriggerError', code: 'SCHEDULE_INVALID' }, cron);
  }
  for (const timeZone of ['Mars/Base', '', '../etc']) {
    assert.throws(() => nextTime({ cron: '@daily', timeZone }, 0), { code: 'SCHEDULE_INVALID' }, timeZone);
  }
});

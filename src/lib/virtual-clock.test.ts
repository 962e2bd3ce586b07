import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { virtualClock } from './virtual-clock.ts';

const sleep = (clock: { after(ms: number, callback: () => void): unknown }, ms: number): Promise<void> =>
  new Promise((resolve) => clock.after(ms, resolve));

test('calls back in the order of time, then of asking', async () => {
  const clock = virtualClock();
  const seen: string[] = [];
  clock.after(20, () => seen.push(`c at ${clock.now()}`));
  clock.after(10, () => seen.push(`a at ${clock.now()}`));
  clock.after(10, () => seen.push(`b at ${clock.now()}`));
  clock.after(11, () => seen.push('never'))();
  await clock.advance(19);
  assert.deepEqual(seen, ['a at 10', 'b at 10']);
  assert.equal(clock.now(), 19);
  await clock.advance(1);
  assert.deepEqual(seen, ['a at 10', 'b at 10', 'c at 20']);
  assert.equal(clock.pending(), 0);
});

test('lets what a callback began go on before time passes further', async () => {
  const clock = virtualClock({ startAt: 1000 });
  const work = async (): Promise<number> => {
    for (let i = 0; i < 5; i++) await sleep(clock, 100);
    return clock.now();
  };
  const done = work();
  await clock.advance(10_000);
  assert.equal(await done, 1500);
});

test('runs to the next callback when there is nothing else to do, and not while files are being written', async () => {
  const clock = virtualClock({ whenIdle: 'run' });
  const folder = await mkdtemp(join(tmpdir(), 'virtual-clock-'));
  try {
    const year = sleep(clock, 365 * 86_400_000).then(() => 'a year later');
    const file = (async () => {
      for (let i = 0; i < 20; i++) await writeFile(join(folder, 'x'), `${i}`);
      return readFile(join(folder, 'x'), 'utf8');
    })();
    assert.equal(await Promise.race([year, file]), '19');
    assert.equal(await year, 'a year later');
    assert.equal(clock.now(), 365 * 86_400_000);
  } finally {
    await rm(folder, { recursive: true });
  }
});

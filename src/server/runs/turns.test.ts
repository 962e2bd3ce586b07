import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as breath } from 'node:timers/promises';
import { turns } from './turns.ts';

test('so many works run at a time and of one key one, first come first, also after one that fails', async () => {
  const takeTurn = turns(2);
  const log: string[] = [];
  const ends: (() => void)[] = [];
  const work =
    (name: string, fails = false) =>
    async () => {
      log.push(name);
      await new Promise<void>((resolve) => ends.push(resolve));
      if (fails) throw new Error(name);
      return name;
    };
  const all = [takeTurn('a', work('a1', true)), takeTurn('a', work('a2')), takeTurn('b', work('b1')), takeTurn('c', work('c1'))];
  const settled = Promise.allSettled(all);
  await breath();
  assert.deepEqual(log, ['a1', 'b1']);
  ends[0]?.();
  await breath();
  assert.deepEqual(log, ['a1', 'b1', 'a2']);
  ends[1]?.();
  await breath();
  assert.deepEqual(log, ['a1', 'b1', 'a2', 'c1']);
  for (const end of ends) end();
  assert.deepEqual(
    (await settled).map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled', 'fulfilled'],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '../lib/virtual-clock.ts';
import { memoryResults } from '../results/memory/memory-results.ts';
import { openLogs } from './open-logs.ts';

const frame = (text: string, position: number) => ({ stream: 'stdout', at: 1, position, bytes: Buffer.from(text) }) as const;

test('a log that nobody appends to is closed, and goes on where it ended when somebody does', async () => {
  const clock = virtualClock();
  const results = memoryResults();
  const open: number[] = [];
  const logs = openLogs({
    results: {
      ...results,
      begin: async (key, startedAt) => {
        const writer = await results.begin(key, startedAt);
        open.push(1);
        return {
          get position() {
            return writer.position;
          },
          append: (chunk) => writer.append(chunk),
          close: () => (open.pop(), writer.close()),
        };
      },
    },
    clock,
    limits: { logBytes: 1000, logIdleMs: 60_000 },
  });
  const key = { run: 'run_1', stage: 'build', attempt: 1 };
  await logs.begin(key, 1);
  await logs.append(key, [frame('one ', 0)]);
  await clock.advance(59_999);
  assert.equal(open.length, 1);
  await logs.append(key, [frame('two ', 4)]);
  await clock.advance(59_999);
  assert.equal(open.length, 1);
  await clock.advance(1);
  assert.equal(open.length, 0);
  assert.deepEqual(await logs.append(key, [frame('three', 8)]), { stdout: 13, stderr: 0 });
  assert.equal(open.length, 1);
  await logs.closeAll();
  assert.equal(open.length, 0);
  assert.equal(clock.pending(), 0);
});

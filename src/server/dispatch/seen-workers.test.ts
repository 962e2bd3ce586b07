import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkerApi } from '../../api/worker-protocol.ts';
import { virtualClock } from '../../lib/virtual-clock.ts';
import { seenWorkers } from './seen-workers.ts';

test('a worker is connected while it waits and half a minute after, and is forgotten after a day', async () => {
  const clock = virtualClock({ startAt: 1_000_000 });
  const waiting = Promise.withResolvers<{ readonly claimed: [] }>();
  const api: WorkerApi = { claim: () => waiting.promise, report: async () => ({ items: [] }) };
  const seen = seenWorkers(api, clock);
  const { signal } = new AbortController();
  const claim = seen.api.claim({ worker: 'a', labels: ['big'], slots: 2, waitMs: 1, fresh: true }, signal);
  await clock.advance(3_600_000);
  assert.deepEqual(seen.workers(), [{ name: 'a', labels: ['big'], slots: 2, isConnected: true }]);
  waiting.resolve({ claimed: [] });
  await claim;
  await clock.advance(29_999);
  assert.equal(seen.workers()[0]?.isConnected, true);
  await clock.advance(1);
  assert.equal(seen.workers()[0]?.isConnected, false);
  await clock.advance(24 * 3_600_000);
  assert.deepEqual(seen.workers(), []);
});

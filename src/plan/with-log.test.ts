import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Gate, Plan } from './plan.ts';
import { reference, stage } from './stage.ts';
import { withLog } from './with-log.ts';

const gate: Gate = { kind: 'gate', name: 'gate', needs: [], waitsFor: { kind: 'person', who: [] } };
const kept = stage({ name: 'kept', image: reference('a') });
const live = stage({ name: 'live', image: reference('a'), log: 'live' });
const planOf = (nodes: Plan['nodes']): Plan => ({ version: 1, pipeline: 'p', nodes, volumes: [] });

test('all stages are live, or none, and nothing else changes', () => {
  const plan = planOf([gate, kept, live]);
  assert.deepEqual(withLog(plan, 'live'), planOf([gate, { ...kept, log: 'live' }, live]));
  const { log: _log, ...once } = live;
  assert.deepEqual(withLog(plan, 'kept'), planOf([gate, kept, once]));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Gate, Need, Plan, PlanNode } from '../../plan/plan.ts';
import { reference, stage } from '../../plan/stage.ts';
import { trustedNodes } from './trusted-nodes.ts';

const needs = (names: readonly string[]): readonly Need[] => names.map((node) => ({ node, on: 'passed' }));
const one = (name: string, ...of: readonly string[]) => stage({ name, image: reference('busybox'), needs: needs(of) });
const deploying = (name: string, ...of: readonly string[]) => ({ ...one(name, ...of), deploys: { environment: name } });
const gate = (name: string, ...of: readonly string[]): Gate => ({
  kind: 'gate',
  name,
  needs: needs(of),
  waitsFor: { kind: 'person', who: [] },
});
const plan = (...nodes: readonly PlanNode[]): Plan => ({ version: 1, pipeline: 'cion', volumes: [], nodes });

test('what nobody has looked at does not deploy, nor does anything run or wait for people that comes with it (atk-13)', () => {
  const whole = plan(one('build'), one('test', 'build'), gate('ok', 'test'), deploying('release', 'ok'), one('announce', 'release'));
  assert.deepEqual(trustedNodes(whole, undefined), ['build', 'test']);
  assert.deepEqual(trustedNodes(whole, ['build', 'test', 'ok', 'release']), ['build', 'test']);
});

test('gates that other stages wait for stay, and so does all of a plan that does not deploy', () => {
  const whole = plan(one('build'), gate('ok', 'build'), one('slow', 'ok'), deploying('release', 'ok'));
  assert.deepEqual(trustedNodes(whole, undefined), ['build', 'ok', 'slow']);
  assert.equal(trustedNodes(plan(one('build'), gate('ok', 'build')), undefined), undefined);
  assert.deepEqual(trustedNodes(plan(one('build'), one('other')), ['build']), ['build']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunEvent } from '../src/run/run-event.ts';
import { cion } from './cli.ts';
import { repository } from './repository.ts';

const text = [
  'box: busybox',
  'build:',
  '  steps:',
  '    - script: { name: compile, code: "true" }',
  '    - create-file: { filename: x, content: y }',
  '  after-steps:',
  '    - script: { name: tell, code: "true" }',
  '',
].join('\n');

test('what a run goes through is told in its order: code, text, set-up, detected steps, variables, saving (R-WRK-102, R-WRK-105, R-WRK-111, R-WRK-128, R-WRK-129, R-WRK-165)', async (t) => {
  const { code, out, err } = await cion(['build', '--runtime', 'fake', '--json'], { cwd: repository(t, { 'wercker.yml': text }) });
  assert.equal(code, 0, err);
  const events = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as RunEvent);
  const order = events.flatMap((event): readonly string[] => {
    switch (event.kind) {
      case 'run.noted':
      case 'stage.noted':
        return [event.text];
      case 'fetch.finished':
        return ['the code is there'];
      case 'run.planned': {
        const [node] = event.plan.nodes;
        if (node?.kind !== 'stage' || node.command.kind !== 'steps') return [];
        const names = [...node.command.steps, ...node.command.after].map(({ name }) => name);
        return [`detected: ${names.join(', ')}`];
      }
      case 'step.started':
        return [event.step];
      default:
        return [];
    }
  });
  assert.deepEqual(order, [
    'get code',
    'the code is there',
    'parse wercker.yml',
    'detected: setup environment, compile, create-file, tell',
    'environment variables',
    'setup-environment',
    'script',
    'create-file',
    'script-2',
    'saving build output',
  ]);
});

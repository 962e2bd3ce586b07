import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '../../lib/virtual-clock.ts';
import type { Step } from '../../plan/plan.ts';
import { partOfStep } from '../log-part.ts';
import { jsonPrinter } from './json.ts';
import { plainPrinter } from './plain.ts';
import { runShow } from './run-show.ts';
import { noon, plainLook } from './testing/golden.ts';
import { recorder } from './testing/recorder.ts';
import { makeScreen } from './testing/screen.ts';
import { somePlan, tellStory } from './testing/story.ts';
import { ttyPrinter } from './tty.ts';

const step = (id: string, name: string): Step => ({ id, name, variables: [], action: { kind: 'script', script: '' }, timeouts: {} });
const steps = {
  kind: 'steps',
  variables: [],
  steps: [step('install', 'npm install'), step('test', 'npm test'), step('lint', 'lint')],
  after: [step('notify', 'tell people')],
} as const;
const plan = somePlan({ build: [] }, { build: { command: steps } });

const story = async (printer: ReturnType<typeof plainPrinter> | undefined, after?: (what: 'runs' | 'ended') => void) => {
  const clock = virtualClock({ startAt: noon });
  const run = tellStory(clock, printer);
  run.created();
  run.planned(plan);
  run.queued('build');
  run.preparing('build');
  run.started('build');
  run.stepStarted('build', 'install');
  run.log('build', 'installed');
  await clock.advance(1500);
  run.stepFinished('build', 'install', 0, { numbers: { packages: '31' } });
  run.stepStarted('build', 'test', { stdout: 9, stderr: 0 });
  run.log('build', 'not ok\n');
  await clock.advance(2000);
  after?.('runs');
  run.stepFinished('build', 'test', 1, { message: '3 of 9 failed\n' });
  run.stepStarted('build', 'notify', { stdout: 16, stderr: 0 });
  run.stepFinished('build', 'notify', 7);
  run.finished('build', 'failed', {
    cause: { kind: 'exit', code: 1, step: { id: 'test', name: 'npm test', message: '3 of 9 failed\n' } },
  });
  run.ended('failed');
  after?.('ended');
  return run;
};

test('steps are lines for a pipe: number, name, end, time and what they said (R-WRK-29, R-WRK-51, R-WRK-159)', async () => {
  const output = recorder();
  const printer = plainPrinter(output, { look: plainLook() });
  await story(printer);
  await printer.close();
  const lines = output.text().split('\n');
  assert.deepEqual(lines.slice(lines.indexOf('build  : Step 1/3 npm install.'), lines.indexOf('')), [
    'build  : Step 1/3 npm install.',
    'build  | installed',
    'build  : Step 1/3 npm install passed after 1.5 s.',
    'build  : Step 2/3 npm test.',
    'build  | not ok',
    'build  : Step 2/3 npm test failed with exit code 1 after 2.0 s: 3 of 9 failed.',
    'build  : After-step 1/1 tell people.',
    'build  : After-step 1/1 tell people failed with exit code 7 after 0.0 s. It does not count.',
    'build  : Failed after 3.5 s. Step "npm test" ended with exit code 1: 3 of 9 failed.',
  ]);
});

test('on a terminal a running stage shows the step that it is at, and a failed after-step stays (R-WRK-51)', async () => {
  const clock = virtualClock({ startAt: noon });
  const screen = makeScreen(90, 30);
  const printer = ttyPrinter(screen, { look: plainLook(90), clock });
  const run = tellStory(clock, printer);
  run.created();
  run.planned(plan);
  run.queued('build');
  run.started('build');
  run.stepStarted('build', 'test');
  run.log('build', 'halfway\n');
  await clock.advance(2000);
  assert.match(screen.text(), /build +2 s {2}step 2\/3 npm test {2}halfway/);
  run.stepFinished('build', 'test');
  run.stepStarted('build', 'notify');
  await clock.advance(1000);
  assert.match(screen.text(), /build +\d s {2}after-step 1\/1 tell people {2}halfway/);
  run.stepFinished('build', 'notify', 7);
  run.finished('build');
  run.ended('passed');
  await printer.close();
  assert.match(screen.history(), /^! build: After-step 1\/1 tell people failed with exit code 7 after 1\.0 s\. It does not count/m);
});

test('cion show lists steps with their times, ends and what they said (R-WRK-158, R-WRK-164)', async () => {
  const run = await story(undefined);
  const lines = runShow(run.state(), noon + 10_000, plainLook(120));
  const from = lines.findIndex((line) => line.trimStart().startsWith('Steps of'));
  assert.deepEqual(
    lines.slice(from, from + 4).map((line) => line.trim().split(/ {2,}/)),
    [
      ['Steps of', 'Step', 'Outcome', 'Took', 'Said'],
      ['build', 'step 1/3 npm install', '✓ passed', '1.5 s', 'packages 31'],
      ['build', 'step 2/3 npm test', '✗ failed', '2.0 s', 'exit code 1, 3 of 9 failed'],
      ['build', 'after-step 1/1 tell people', '✗ failed', '0.0 s', 'exit code 7'],
    ],
  );
  assert.ok(lines.some((line) => line.includes('Step "npm test" ended with exit code 1: 3 of 9 failed')));
});

test('as JSON they are the events that they are', async () => {
  const output = recorder();
  const printer = jsonPrinter(output, { clock: virtualClock({ startAt: noon }) });
  await story(printer);
  await printer.close();
  const events = output
    .text()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly kind: string; readonly step?: string; readonly message?: string });
  assert.deepEqual(
    events.filter(({ kind }) => kind === 'step.finished').map(({ step, message }) => [step, message]),
    [
      ['install', undefined],
      ['test', '3 of 9 failed\n'],
      ['notify', undefined],
    ],
  );
});

test('a part of a log is what one step wrote, by its id or its name, wherever chunks are cut', async () => {
  const state = (await story(undefined)).state();
  const all = Buffer.from('installednot ok\nbye\n');
  const partOf = (wanted: string, size: number): string => {
    const part = partOfStep(state, 'build', undefined, wanted);
    const chunks = Array.from({ length: Math.ceil(all.length / size) }, (_, index) => all.subarray(index * size, (index + 1) * size));
    return Buffer.concat(chunks.map((chunk) => part.of('stdout', chunk))).toString();
  };
  for (const size of [1, 4, 100]) {
    assert.equal(partOf('install', size), 'installed');
    assert.equal(partOf('npm test', size), 'not ok\n');
    assert.equal(partOf('notify', size), 'bye\n');
  }
  assert.throws(() => partOf('lint', 1), { code: 'STEP_NOT_BEGUN' });
  assert.throws(() => partOfStep(state, undefined, undefined, 'test'), { code: 'STEP_NOT_BEGUN' });
});

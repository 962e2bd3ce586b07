import type { VirtualClock } from '../../../lib/virtual-clock.ts';
import { reference, stage } from '../../../plan/stage.ts';
import type { Plan } from '../../../plan/plan.ts';
import type { Printer } from '../printer.ts';
import { commitHash, digest, planOf, tellStory } from './story.ts';

/** A build, two checks at once of which one fails at first, a probe, a gate, a release and a clean-up. */
export const shopPlan: Plan = planOf([
  stage({ name: 'build', image: reference('golang:1.24') }),
  stage({ name: 'lint', image: reference('busybox:latest'), needs: [{ node: 'build', on: 'passed' }] }),
  stage({
    name: 'test',
    image: reference('golang:1.24'),
    needs: [{ node: 'build', on: 'passed' }],
    retry: { attempts: 2, on: ['failed'] },
    services: [
      {
        name: 'redis',
        image: reference('redis:7'),
        command: { kind: 'image' },
        env: {},
        ports: ['6379'],
        privileged: false,
        ready: { kind: 'running', timeoutMs: 30_000 },
      },
    ],
  }),
  stage({ name: 'probe', image: reference('busybox:latest'), mayFail: true }),
  stage({ name: 'repair', image: reference('busybox:latest'), needs: [{ node: 'probe', on: 'failed' }] }),
  {
    kind: 'gate',
    name: 'approve',
    needs: [
      { node: 'lint', on: 'passed' },
      { node: 'test', on: 'passed' },
    ],
    waitsFor: { kind: 'person', who: ['anna', 'bob'] },
  },
  stage({
    name: 'release',
    image: { kind: 'build', volume: 'source', context: '.', dockerfile: 'ci/Dockerfile' },
    needs: [{ node: 'approve', on: 'passed' }],
    deploys: { environment: 'production' },
  }),
  stage({ name: 'clean-up', image: reference('busybox:latest'), needs: [{ node: 'release', on: 'finished' }], always: true }),
]);

/** Tells it to the end; `look` is called at telling moments. */
export const shopRun = async (
  clock: VirtualClock,
  printer: Printer | undefined,
  ends: 'well' | 'badly',
  moment: (what: string) => void = () => {},
) => {
  const run = tellStory(clock, printer);
  const at = async (ms: number, what?: string): Promise<void> => {
    await clock.advance(ms);
    if (what !== undefined) moment(what);
  };
  run.created();
  run.fetched(ends === 'well' ? 0 : 2);
  run.planned(shopPlan);
  run.queued('build');
  run.queued('probe');
  await at(100);
  run.preparing('build');
  printer?.note('build', { kind: 'pulling', reference: 'golang:1.24', doneBytes: 12_000_000, totalBytes: 40_000_000 });
  await at(2_000, 'pulling');
  printer?.note('build', { kind: 'resolved', image: { reference: 'golang:1.24', digest: digest('b'), pulled: true } });
  run.started('build', 1, true);
  run.preparing('probe');
  run.started('probe');
  run.log('build', 'compiling 日本語\n');
  run.log('build', 'warning: \x1b[33mold\x1b[0m API\n', 'stderr');
  run.log('build', 'half a li');
  run.log('probe', 'is it there?\n');
  await at(8_000, 'running');
  run.log('build', 'ne\n');
  run.finished('probe', 'failed', { cause: { kind: 'exit', code: 1 } });
  run.queued('repair');
  run.preparing('repair');
  run.started('repair');
  run.finished('build', 'passed', { files: 3 });
  run.queued('lint');
  run.queued('test');
  run.preparing('lint');
  run.preparing('test');
  run.started('lint');
  await at(1_000, 'waiting for a service');
  printer?.note('test', { kind: 'service-ready', service: 'redis' });
  run.started('test');
  run.finished('repair');
  run.log('test', 'flaky: no answer');
  await at(3_500);
  run.finished('test', 'failed', { cause: { kind: 'timeout', limit: 'silent', ms: 3_000 } });
  run.queued('test', 2, { kind: 'timeout', limit: 'silent', ms: 3_000 });
  run.preparing('test', 2);
  run.started('test', 2);
  await at(2_000, 'trying again');
  if (ends === 'badly') {
    for (let line = 1; line <= 25; line++) run.log('lint', `shop.go:${line}: says no\n`, line % 5 === 0 ? 'stderr' : 'stdout');
    run.finished('lint', 'failed', { cause: { kind: 'exit', code: 3 } });
    run.finished('test', 'errored', { attempt: 2, cause: { kind: 'error', code: 'ENGINE_LOST', message: 'the engine went away' } });
    run.tell({ kind: 'gate.skipped', gate: 'approve', cause: { kind: 'need', node: 'lint', outcome: 'failed' } });
    run.tell({ kind: 'stage.skipped', stage: 'release', cause: { kind: 'need', node: 'approve', outcome: 'skipped' } });
  } else {
    run.finished('lint');
    run.finished('test', 'passed', { attempt: 2 });
    run.tell({ kind: 'gate.opened', gate: 'approve' });
    await at(3_600_000, 'waiting for a person');
    run.tell({ kind: 'gate.decided', gate: 'approve', decision: { kind: 'approved', by: 'anna', at: clock.now() } });
    run.queued('release');
    run.preparing('release');
    run.started('release');
    await at(4_000);
    run.finished('release');
    run.tell({
      kind: 'deployment.recorded',
      stage: 'release',
      deployment: {
        environment: 'production',
        commit: commitHash,
        changedFiles: 0,
        image: { reference: 'shop:latest', digest: digest('d') },
        at: clock.now(),
      },
    });
  }
  run.queued('clean-up');
  run.preparing('clean-up');
  run.started('clean-up');
  await at(500);
  run.finished('clean-up');
  run.ended(ends === 'well' ? 'passed' : 'errored');
  return run;
};

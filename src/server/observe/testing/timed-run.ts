import type { Claimed, WorkerFact } from '../../../api/worker-protocol.ts';
import type { Plan, Step } from '../../../plan/plan.ts';
import { digest, failed, passed, planOf, preparing, type served, stageOf, startedNow } from '../../dispatch/testing/served.ts';

const at = (access: 'read-only' | 'read-write') => [{ kind: 'volume', volume: 'v', path: '/v', access }] as const;

const compile: Step = { id: 'compile', name: 'compile', variables: [], action: { kind: 'script', script: 'make' }, timeouts: {} };

const plan: Plan = planOf(
  [
    stageOf('build', [], {
      command: { kind: 'steps', variables: [], steps: [compile], after: [] },
      retry: { attempts: 2, on: ['failed'] },
      mounts: at('read-write'),
    }),
    stageOf('deploy', ['build'], { deploys: { environment: 'production' }, mounts: at('read-only') }),
  ],
  [{ name: 'v', from: 'empty' }],
);

/** A run of a real dispatcher whose parts take their time: `build` fails after 6 s and passes after 8 s, `deploy` takes 4 s. */
export const timedRun = async (it: ReturnType<typeof served>) => {
  await it.start();
  const run = await it.plan(plan);
  const pass = (ms: number): Promise<void> => it.clock.advance(ms);
  const attempt = async (
    waitMs: number,
    prepareMs: number,
    runMs: number,
    facts: (of: OfAttempt) => readonly WorkerFact[],
    how: 'passed' | 'failed',
  ) => {
    await pass(waitMs);
    const [claimed] = await it.claim();
    if (claimed === undefined) throw new Error('there is nothing to claim');
    const [, stage = '', number = ''] = /^[^/]+\/(.+)\/(\d+)$/.exec(claimed.lease.item) ?? [];
    let sequence = 0;
    const tell = async (told: readonly WorkerFact[]): Promise<void> => {
      if (told.length > 0) await it.tell(claimed, ++sequence, told);
    };
    await tell([preparing(claimed)]);
    await pass(prepareMs);
    await tell([startedNow(claimed)]);
    await pass(runMs / 2);
    await tell(facts({ stage, attempt: Number(number), volume: writtenBy(claimed) }));
    await pass(runMs / 2);
    await tell([how === 'passed' ? passed(claimed) : failed(claimed)]);
  };
  await attempt(1000, 2000, 6000, () => [], 'failed');
  await attempt(
    500,
    100,
    8000,
    ({ volume, ...of }) => [
      { kind: 'image.resolved', ...of, reference: 'busybox:1', digest: digest('1'), pulled: true },
      { kind: 'volume.kept', ...of, volume, tree: digest('2'), bytes: 700 },
      { kind: 'step.started', ...of, step: 'compile', log: { stdout: 0, stderr: 0 } },
    ],
    'passed',
  );
  await attempt(0, 0, 4000, () => [], 'passed');
  return run;
};

type OfAttempt = { readonly stage: string; readonly attempt: number; readonly volume: string };

const writtenBy = ({ work }: Claimed): string => {
  const [mount] = work.stage.mounts;
  return mount?.kind === 'volume' ? mount.volume : '';
};

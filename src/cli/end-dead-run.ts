import type { RunFact } from '../run/run-event.ts';
import type { RunState } from '../run/run-state.ts';
import type { Runtime } from '../runtimes/runtime.ts';
import type { Context } from './context.ts';
import { type Project, readRun } from './project.ts';
import { userName, withSession } from './session.ts';
import { forgetSource } from './snapshots.ts';

const sweepMs = 5 * 60_000;

/** Gives up a run whose process died: its containers are removed, its open stages and the run itself are cancelled. */
export const endDeadRun = async (context: Context, project: Project, run: string, runtime: Runtime): Promise<void> => {
  await withSession(context, project, run, { plain: true }, async ({ recorder }) => {
    await recorder.report([{ kind: 'run.cancel-requested', by: userName(context), force: true }]);
    await runtime.sweep({ kind: 'run', run }, AbortSignal.timeout(sweepMs));
    await recorder.report([...cutShort(recorder.state()), { kind: 'run.finished', outcome: 'cancelled' }]);
  });
  await forgetSource(project, await readRun(project, run));
};

const cutShort = (state: RunState): readonly RunFact[] =>
  [...state.nodes.values()].flatMap((node): readonly RunFact[] => {
    if (node.phase === 'finished') return [];
    if (node.kind === 'gate') return [{ kind: 'gate.skipped', gate: node.name, cause: { kind: 'cancelled' } }];
    const attempt = node.attempts.at(-1);
    if (node.phase === 'waiting' || attempt === undefined)
      return [{ kind: 'stage.skipped', stage: node.name, cause: { kind: 'cancelled' } }];
    return [{ kind: 'stage.finished', stage: node.name, attempt: attempt.attempt, outcome: 'cancelled', cause: { kind: 'cancelled' } }];
  });

import { ownerOf } from '../../local/lock.ts';
import { listRuns } from '../../local/runs.ts';
import { exitCodeOf } from '../carry-out.ts';
import type { Context } from '../context.ts';
import type { ExitCode } from '../exit-codes.ts';
import { lostBeforePlan } from '../lost-before-plan.ts';
import { findRun, type Project, readRun } from '../project.ts';
import { Refusal } from '../refusal.ts';
import { withSession } from '../session.ts';
import { goOn, type GoOnOptions } from './go-on.ts';
import { openProject } from './open-project.ts';
import { withRuntime } from './open-runtime.ts';

export type ResumeOptions = GoOnOptions;

/** Goes on with a run whose process died: attaches to what still runs, and runs nothing twice. */
export const resume = async (context: Context, wanted: string | undefined, options: ResumeOptions): Promise<ExitCode> => {
  const project = await openProject(context);
  const id = wanted === undefined ? await newestLeft(project) : await findRun(project, wanted);
  const state = await readRun(project, id);
  const { plan, number } = state;
  if (state.phase === 'finished') {
    const swept = await withRuntime(options, context, (runtime) => runtime.sweep({ kind: 'run', run: id }, new AbortController().signal));
    if (swept.containers + swept.volumes + swept.networks > 0) {
      context.stdout.write(`Run ${number} had ended: ${state.outcome}. What its process had left is removed.\n`);
      return exitCodeOf(state.outcome);
    }
    throw new Refusal('RUN_FINISHED', `Run ${number} has ended: ${state.outcome}.`, `cion rerun ${number} runs its stages again.`);
  }
  if ((await ownerOf(project.stateDir, id)) !== undefined) {
    throw new Refusal('RUN_LIVE', `Run ${number} is being executed.`, `cion show ${number} -f watches it.`);
  }
  if (plan === undefined) {
    return withSession(context, project, id, options, ({ recorder }) => lostBeforePlan(recorder));
  }
  return goOn(context, { project, state, plan, only: state.only, facts: () => [] }, options);
};

const newestLeft = async (project: Project): Promise<string> => {
  for await (const { run, phase } of listRuns(project.stateDir)) {
    if (phase !== 'finished' && (await ownerOf(project.stateDir, run)) === undefined) return run;
  }
  throw new Refusal('NO_RUNS', 'No run was left by a process that died.', '"cion runs" lists them all.');
};

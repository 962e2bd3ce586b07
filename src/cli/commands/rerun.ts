import { stagesAgain } from '../../engine/stages-again.ts';
import { ownerOf } from '../../local/lock.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { findRun, readRun } from '../project.ts';
import { Refusal } from '../refusal.ts';
import { goOn, type GoOnOptions } from './go-on.ts';
import { isRemote, openRemoteProject, type RemoteOptions } from '../remote/open-remote.ts';
import { rerunOn } from '../remote/rerun-on.ts';
import { openProject } from './open-project.ts';

export type RerunOptions = GoOnOptions &
  RemoteOptions & {
    readonly detach?: true;
    readonly failed?: true;
  };

/** Further attempts of the same run (R-CIO-33). */
export const rerun = async (context: Context, wanted: string | undefined, options: RerunOptions): Promise<ExitCode> => {
  if (isRemote(options)) return rerunOn(context, await openRemoteProject(context, options), wanted, options);
  const project = await openProject(context);
  const id = await findRun(project, wanted);
  const state = await readRun(project, id);
  const { plan, number } = state;
  if ((await ownerOf(project.stateDir, id)) !== undefined) {
    throw new Refusal('RUN_LIVE', `Run ${number} is being executed.`, `Wait for its end (cion show ${number} -f), or cancel it.`);
  }
  if (plan === undefined) throw new Refusal('RUN_UNPLANNED', `Run ${number} ended before it had a plan.`, 'Start a new one: cion run.');
  if (state.phase !== 'finished') {
    throw new Refusal('RUN_UNFINISHED', `Run ${number} was left unfinished by its process.`, `cion resume ${number} goes on with it.`);
  }
  const stages = stagesAgain(plan, state, options.failed ? 'failed' : 'all');
  if (stages.length === 0) {
    context.stdout.write(`All stages of run ${number} passed: there is nothing to run again.\n`);
    return exitCodes.passed;
  }
  const facts = (by: string) => [{ kind: 'run.rerun', stages, trigger: { kind: 'manual', by } }] as const;
  return goOn(context, { project, state, plan, only: new Set(stages), facts }, options);
};

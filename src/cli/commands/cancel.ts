import { ownerOf } from '../../local/lock.ts';
import { runIds } from '../../local/runs.ts';
import type { Context } from '../context.ts';
import { endDeadRun } from '../end-dead-run.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { findRun, type Project, readRun } from '../project.ts';
import { Refusal } from '../refusal.ts';
import { cancelOn } from '../remote/cancel-on.ts';
import { isRemote, openRemoteProject, type RemoteOptions } from '../remote/open-remote.ts';
import { openProject } from './open-project.ts';
import { type RuntimeOptions, withRuntime } from './open-runtime.ts';

export type CancelOptions = { readonly force?: true } & RuntimeOptions & RemoteOptions;

/** Asks the process that carries the run; where it is dead, ends what it left. */
export const cancel = async (context: Context, wanted: string | undefined, options: CancelOptions): Promise<ExitCode> => {
  if (isRemote(options)) return cancelOn(context, await openRemoteProject(context, options), wanted, options.force === true);
  const project = await openProject(context);
  const id = wanted === undefined ? await newestOpen(project) : await findRun(project, wanted);
  const { phase, outcome, number } = await readRun(project, id);
  if (phase === 'finished') throw new Refusal('RUN_FINISHED', `Run ${number} has ended already: ${outcome}.`);
  const owner = await ownerOf(project.stateDir, id);
  if (owner === undefined) {
    await withRuntime(options, context, (engine) => endDeadRun(context, project, id, engine));
    return exitCodes.passed;
  }
  process.kill(owner.pid, 'SIGTERM');
  if (options.force) process.kill(owner.pid, 'SIGINT');
  context.stdout.write(`Run ${number} is asked to stop; cion show ${number} -f watches it.\n`);
  return exitCodes.passed;
};

const newestOpen = async (project: Project): Promise<string> => {
  for (const run of await runIds(project.stateDir)) if ((await readRun(project, run)).phase !== 'finished') return run;
  throw new Refusal('NO_RUNS', 'There is no run that has not ended.', '"cion runs" lists them all.');
};

import { ownerOf } from '../../local/lock.ts';
import { readMirror } from '../../local/mirror-file.ts';
import { runIds } from '../../local/runs.ts';
import { allPaths } from '../../results/run-objects.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { listenForInterrupts } from '../interrupts.ts';
import { findRun, type Project, readRun } from '../project.ts';
import { Refusal } from '../refusal.ts';
import { userName } from '../session.ts';
import { openMirror, placeOf, type ResultsOptions } from './open-mirror.ts';
import { openProject } from './open-project.ts';

/** Uploads what runs could not upload, or all of the run that is named. */
export const pushResults = async (context: Context, wanted: string | undefined, options: ResultsOptions): Promise<ExitCode> => {
  const project = await openProject(context);
  const runs = wanted === undefined ? await runsWithDue(project) : [await findRun(project, wanted)];
  if (runs.length === 0) {
    context.stdout.write('All that was to be uploaded is.\n');
    return exitCodes.passed;
  }
  let left = 0;
  for (const run of runs) left += await pushRun(context, project, run, options, wanted !== undefined);
  return left === 0 ? exitCodes.passed : exitCodes.errored;
};

const runsWithDue = async (project: Project): Promise<readonly string[]> => {
  const runs: string[] = [];
  for (const run of await runIds(project.stateDir)) {
    const known = readMirror(project.stateDir, run);
    if (known !== undefined && known.due.length > 0 && (await ownerOf(project.stateDir, run)) === undefined) runs.push(run);
  }
  return runs;
};

/** How many objects are left. */
const pushRun = async (context: Context, project: Project, run: string, options: ResultsOptions, all: boolean): Promise<number> => {
  const state = await readRun(project, run);
  const { number } = state;
  if ((await ownerOf(project.stateDir, run)) !== undefined) {
    throw new Refusal('RUN_LIVE', `Run ${number} is being executed, and uploads its results itself.`, 'Wait for its end.');
  }
  const place = (await placeOf(context, project, run, options))?.place;
  if (place === undefined) {
    throw new Refusal('NO_PLACE', `The results of run ${number} are not to be uploaded anywhere.`, 'Say where: --results s3://bucket');
  }
  const interrupts = listenForInterrupts(() => undefined, userName(context));
  const say = (text: string): void => void context.stderr.write(`cion: ${text}\n`);
  try {
    const mirror = await openMirror({ context, project, run, place, interrupts, say }, place);
    if (all) mirror.due(allPaths(state));
    const left = await mirror.settle(interrupts.cancel);
    await mirror.close();
    context.stdout.write(
      left.length === 0 ? `The results of run ${number} are in ${place.url}.\n` : `Not all results of run ${number} could be uploaded.\n`,
    );
    return left.length;
  } finally {
    interrupts.stop();
  }
};

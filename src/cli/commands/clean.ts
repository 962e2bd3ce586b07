import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { removeCaches } from '../../local/cache-store.ts';
import { readJournal } from '../../local/journal.ts';
import { ownerOf } from '../../local/lock.ts';
import { resultsRoot, runState } from '../../local/project-dir.ts';
import type { RunSummary } from '../../local/run-summary.ts';
import { listRuns, runIds } from '../../local/runs.ts';
import { fold } from '../../run/fold.ts';
import type { RunState } from '../../run/run-state.ts';
import type { Swept } from '../../runtimes/runtime.ts';
import type { Context } from '../context.ts';
import { endDeadRun } from '../end-dead-run.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { oldImages } from '../old-images.ts';
import { list } from '../printers/words.ts';
import { plural } from '../../lib/quantities.ts';
import type { Project } from '../project.ts';
import { openProject } from './open-project.ts';
import { type RuntimeOptions, withRuntime } from './open-runtime.ts';

export type CleanOptions = {
  readonly runsOlderThan?: number;
  readonly allProjects?: true;
  readonly caches?: true;
  readonly imagesOlderThan?: number;
} & RuntimeOptions;

/** Removes what dead runs left in the engine, and on request caches, and old runs with all that is kept of them. */
export const clean = async (context: Context, options: CleanOptions): Promise<ExitCode> => {
  const { runsOlderThan, allProjects, caches, imagesOlderThan } = options;
  const project = await openProject(context);
  const swept = await withRuntime(options, context, async (engine) => {
    const alive: string[] = [];
    const perRun: Swept[] = [];
    for await (const { run, phase } of listRuns(project.stateDir)) {
      if ((await ownerOf(project.stateDir, run)) !== undefined) alive.push(run);
      else if (phase !== 'finished') await endDeadRun(context, project, run, engine);
      else if (!allProjects) perRun.push(await engine.sweep({ kind: 'run', run }, AbortSignal.timeout(sweepMs)));
    }
    if (imagesOlderThan !== undefined) {
      const images = oldImages(await allRuns(project), Date.now() - imagesOlderThan);
      perRun.push(await engine.sweep({ kind: 'images', images }, AbortSignal.timeout(sweepMs)));
    }
    const scope = allProjects ? ({ kind: 'all', exceptRuns: alive } as const) : ({ kind: 'unused' } as const);
    const rest = await engine.sweep(scope, AbortSignal.timeout(sweepMs));
    if (!caches) return [...perRun, rest];
    const of = allProjects ? {} : { project: project.key };
    return [...perRun, rest, await engine.sweep({ kind: 'caches', ...of }, AbortSignal.timeout(sweepMs))];
  });
  context.stdout.write(`Removed ${sweptWords(swept)}.\n`);
  if (runsOlderThan !== undefined) {
    context.stdout.write(`Forgot ${plural(await forgetRuns(project, Date.now() - runsOlderThan), 'run')}.\n`);
  }
  if (caches) {
    await removeCaches(project.stateDir);
    context.stdout.write('Forgot the caches of the project.\n');
  }
  return exitCodes.passed;
};

const sweepMs = 10 * 60_000;

const sweptWords = (swept: readonly Swept[]): string => {
  const nouns = { containers: 'container', networks: 'network', volumes: 'volume', images: 'image' } as const;
  const keys = ['containers', 'networks', 'volumes', 'images'] as const;
  return list(
    keys.map((key) =>
      plural(
        swept.reduce((sum, one) => sum + one[key], 0),
        nouns[key],
      ),
    ),
  );
};

/** The newest first. */
const allRuns = async ({ stateDir }: Project): Promise<readonly RunState[]> => {
  const states: RunState[] = [];
  for (const run of await runIds(stateDir)) {
    const state = fold((await readJournal(stateDir, run)) ?? []);
    if (state !== undefined) states.push(state);
  }
  return states;
};

const forgetRuns = async (project: Project, before: number): Promise<number> => {
  let count = 0;
  for await (const run of listRuns(project.stateDir)) {
    if (!isOver(run, before) || (await ownerOf(project.stateDir, run.run)) !== undefined) continue;
    await rm(join(resultsRoot(project.stateDir), run.run), { recursive: true, force: true });
    await rm(runState(project.stateDir, run.run), { recursive: true, force: true });
    count++;
  }
  return count;
};

const isOver = ({ phase, finishedAt }: RunSummary, before: number): boolean =>
  phase === 'finished' && finishedAt !== undefined && finishedAt < before;

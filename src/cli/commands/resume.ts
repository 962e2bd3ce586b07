import { missingValues } from '../../engine/values.ts';
import { ownerOf } from '../../local/lock.ts';
import { listRuns } from '../../local/runs.ts';
import { type CarryOutOptions, carryOut, exitCodeOf } from '../carry-out.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { lostBeforePlan } from '../lost-before-plan.ts';
import { gatekeeperOf, gateProblems } from '../gates.ts';
import type { IdentityOptions } from '../identities.ts';
import type { PrinterOptions } from '../open-printer.ts';
import type { SinkOptions } from '../open-sinks.ts';
import { type OutsideOptions } from '../outside-variables.ts';
import { outsideAgain } from '../outside-again.ts';
import { printProblems } from '../print-problems.ts';
import { findRun, type Project, readRun } from '../project.ts';
import { Refusal } from '../refusal.ts';
import { userName, withSession } from '../session.ts';
import { forgetSource, keptSource } from '../snapshots.ts';
import { storesOf } from '../stores.ts';
import { placeOf, type ResultsOptions, withMirror } from './open-mirror.ts';
import { openProject } from './open-project.ts';
import { type RuntimeOptions, withRuntime } from './open-runtime.ts';

export type ResumeOptions = OutsideOptions &
  IdentityOptions &
  PrinterOptions &
  SinkOptions &
  CarryOutOptions &
  RuntimeOptions &
  ResultsOptions;

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
  const outside = await outsideAgain(context, project, state, plan, options);
  const by = userName(context);
  const missing = [...missingValues(plan, outside, state.only), ...(await gateProblems(project, plan, state.only, by, options))];
  if (missing.length > 0) {
    await printProblems(context, missing, []);
    return exitCodes.refused;
  }
  const place = (await placeOf(context, project, id, options))?.place;
  return withRuntime(options, context, (runtime) =>
    withSession(context, project, id, options, async (session) => {
      const { clock, printer, interrupts, say } = session;
      const source = await keptSource(project, state, interrupts.cancel);
      const gatekeeper = gatekeeperOf(project, id, by, clock, options);
      const code = await withMirror({ context, project, run: id, place, interrupts, say }, ({ results, planned }) => {
        const deps = {
          journal: session.journal(),
          project: project.key,
          runtime: planned(runtime),
          results,
          clock,
          outside,
          sink: printer,
          gatekeeper,
          source,
          ...storesOf(project),
        };
        return carryOut(context, deps, options, interrupts);
      });
      await forgetSource(project, await readRun(project, id));
      return code;
    }),
  );
};

const newestLeft = async (project: Project): Promise<string> => {
  for await (const { run, phase } of listRuns(project.stateDir)) {
    if (phase !== 'finished' && (await ownerOf(project.stateDir, run)) === undefined) return run;
  }
  throw new Refusal('NO_RUNS', 'No run was left by a process that died.', '"cion runs" lists them all.');
};

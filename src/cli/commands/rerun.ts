import { missingValues } from '../../engine/values.ts';
import { ownerOf } from '../../local/lock.ts';
import { type CarryOutOptions, carryOut } from '../carry-out.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { gatekeeperOf, gateProblems } from '../gates.ts';
import type { IdentityOptions } from '../identities.ts';
import type { PrinterOptions } from '../open-printer.ts';
import type { SinkOptions } from '../open-sinks.ts';
import { type OutsideOptions } from '../outside-variables.ts';
import { outsideAgain } from '../outside-again.ts';
import { printProblems } from '../print-problems.ts';
import { findRun, readRun } from '../project.ts';
import { Refusal } from '../refusal.ts';
import { userName, withSession } from '../session.ts';
import { forgetSource, keptSource } from '../snapshots.ts';
import { storesOf } from '../stores.ts';
import { stagesAgain } from '../../engine/stages-again.ts';
import { placeOf, type ResultsOptions, withMirror } from './open-mirror.ts';
import { openProject } from './open-project.ts';
import { type RuntimeOptions, withRuntime } from './open-runtime.ts';

export type RerunOptions = OutsideOptions &
  IdentityOptions &
  PrinterOptions &
  SinkOptions &
  CarryOutOptions & { readonly failed?: true } & RuntimeOptions &
  ResultsOptions;

/** Further attempts of the same run (R-CIO-33). */
export const rerun = async (context: Context, wanted: string | undefined, options: RerunOptions): Promise<ExitCode> => {
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
  const outside = await outsideAgain(context, project, state, plan, options);
  const by = userName(context);
  const missing = [...missingValues(plan, outside, new Set(stages)), ...(await gateProblems(project, plan, new Set(stages), by, options))];
  if (missing.length > 0) {
    await printProblems(context, missing, []);
    return exitCodes.refused;
  }
  const place = (await placeOf(context, project, id, options))?.place;
  return withRuntime(options, context, (runtime) =>
    withSession(context, project, id, options, async (session) => {
      const { recorder, clock, printer, interrupts, say } = session;
      const source = await keptSource(project, state, interrupts.cancel);
      await recorder.report([{ kind: 'run.rerun', stages, trigger: { kind: 'manual', by } }]);
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

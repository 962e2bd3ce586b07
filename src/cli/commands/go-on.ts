import { missingValues } from '../../engine/values.ts';
import type { Plan } from '../../plan/plan.ts';
import type { RunFact } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';
import { type CarryOutOptions, carryOut } from '../carry-out.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { gatekeeperOf, gateProblems } from '../gates.ts';
import type { IdentityOptions } from '../identities.ts';
import type { PrinterOptions } from '../open-printer.ts';
import type { SinkOptions } from '../open-sinks.ts';
import type { OutsideOptions } from '../outside-variables.ts';
import { outsideAgain } from '../outside-again.ts';
import { printProblems } from '../print-problems.ts';
import { type Project, readRun } from '../project.ts';
import { userName, withSession } from '../session.ts';
import { forgetSource, keptSource } from '../snapshots.ts';
import { storesOf } from '../stores.ts';
import { placeOf, type ResultsOptions, withMirror } from './open-mirror.ts';
import { type RuntimeOptions, withRuntime } from './open-runtime.ts';

/** What all commands share that go on with a run. */
export type GoOnOptions = OutsideOptions &
  IdentityOptions &
  PrinterOptions &
  SinkOptions &
  CarryOutOptions &
  RuntimeOptions &
  ResultsOptions;

export type Planned = {
  readonly project: Project;
  readonly state: RunState;
  readonly plan: Plan;
  /** What will run of it; absent: all. */
  readonly only: ReadonlySet<string> | undefined;
  /** Recorded before anything is done, by this person. */
  facts(by: string): readonly RunFact[];
};

/** Goes on with a run that has its plan: what it was given from outside, its source and its place of results are had again. */
export const goOn = async (context: Context, { project, state, plan, only, facts }: Planned, options: GoOnOptions): Promise<ExitCode> => {
  const { run } = state;
  const outside = await outsideAgain(context, project, state, plan, options);
  const by = userName(context);
  const missing = [...missingValues(plan, outside, only), ...(await gateProblems(project, plan, only, by, options))];
  if (missing.length > 0) {
    await printProblems(context, missing, []);
    return exitCodes.refused;
  }
  const place = (await placeOf(context, project, run, options))?.place;
  return withRuntime(options, context, (runtime) =>
    withSession(context, project, run, options, async (session) => {
      const { recorder, clock, printer, interrupts, say } = session;
      const source = await keptSource(project, state, interrupts.cancel);
      const before = facts(by);
      if (before.length > 0) await recorder.report(before);
      const gatekeeper = gatekeeperOf(project, run, by, clock, options);
      const code = await withMirror({ context, project, run, place, interrupts, say }, ({ results, planned }) => {
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
      await forgetSource(project, await readRun(project, run));
      return code;
    }),
  );
};

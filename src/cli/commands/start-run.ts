import type { Dialect } from '../../dialects/dialect.ts';
import { missingValues } from '../../engine/values.ts';
import { systemClock } from '../../lib/clock.ts';
import { newRunId } from '../../lib/ids.ts';
import { takeRunNumber } from '../../local/run-numbers.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Parsed } from '../../plan/problem.ts';
import { withLog } from '../../plan/with-log.ts';
import type { Source } from '../../run/run-event.ts';
import { type Origin, originOf } from '../../source/origin.ts';
import { snapshot } from '../../source/snapshot.ts';
import { tarOf } from '../../source/tar-of.ts';
import { buildName } from '../build-directory.ts';
import { type CarryOutOptions, carryOut } from '../carry-out.ts';
import type { Tree } from '../../planning/compile-tree.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { fetchAndPlan } from '../../planning/fetch-and-plan.ts';
import { gatekeeperOf, gateProblems } from '../gates.ts';
import { type Asked, givenOf } from '../../planning/given.ts';
import { identitiesOf, type IdentityOptions } from '../identities.ts';
import { imagePolicy, type PolicyOptions } from '../asked-policy.ts';
import { imagePrinter } from '../image-printer.ts';
import type { PrinterOptions } from '../open-printer.ts';
import { openSecrets, secretsFile } from '../../planning/open-secrets.ts';
import type { SinkOptions } from '../open-sinks.ts';
import { type OutsideOptions, outsideVariables } from '../outside-variables.ts';
import { printProblems } from '../print-problems.ts';
import { type Project, readRun } from '../project.ts';
import { directoryTree, readFrom } from '../../planning/directory-tree.ts';
import type { Wanted } from '../../planning/selection.ts';
import { userName, withSession } from '../session.ts';
import { forgetSource, sourceDirectory } from '../snapshots.ts';
import { storesOf } from '../stores.ts';
import { vetImages } from '../../planning/vet-images.ts';
import { vettedPrinter } from '../../planning/vetted-printer.ts';
import { askedPlace, type ResultsOptions, withMirror } from './open-mirror.ts';
import { openRuntime, type RuntimeOptions } from './open-runtime.ts';
import type { StepOptions } from './open-steps.ts';
import { stepByOf } from './step-by.ts';

/** What all commands share that start a run. */
export type StartOptions = OutsideOptions &
  IdentityOptions &
  PrinterOptions &
  SinkOptions &
  StepOptions &
  PolicyOptions &
  CarryOutOptions &
  RuntimeOptions &
  ResultsOptions & { readonly log?: 'kept' | 'live' };

/** The files of a run: `tree` has its text, which lies elsewhere than its source when that has none. */
export type Frozen = { readonly source: Source; readonly tree: Tree; readonly origin: Origin; close?(): Promise<void> };

export type NewRun = {
  readonly project: Project;
  readonly dialects: readonly Dialect[];
  readonly wanted: Wanted;
  readonly asked: Asked;
  /** The run whose files it takes on. */
  readonly from?: { readonly run: string; readonly number: number };
  /** Puts its source into a directory that is there for as long as the run needs it. */
  freeze(into: string, signal: AbortSignal, log: (line: string) => void): Promise<Frozen>;
  /** What the command line says over the text. */
  shape(plan: Plan): Parsed<Plan>;
  /** Cancels it. */
  readonly stop?: AbortSignal;
};

export type EndedRun = { readonly run: string; readonly code: ExitCode };

/** A run from its text to its end. */
export const startRun = async (context: Context, wanted: NewRun, options: StartOptions): Promise<EndedRun> => {
  const { project, dialects, from, stop } = wanted;
  const [variables, identities] = await Promise.all([outsideVariables(context.cwd, context.env, options), identitiesOf(context, options)]);
  const id = newRunId(systemClock.now());
  const [place, policy] = await Promise.all([askedPlace(context, options, id), imagePolicy(context, options)]);
  const by = userName(context);
  const build = buildName(context.env);
  let afterwards = async (): Promise<void> => undefined;
  const begin = async () => {
    const trigger = { kind: 'manual', by, ...(from === undefined ? {} : { from: from.run, fromNumber: from.number }) } as const;
    return { kind: 'run.created', run: id, number: await takeRunNumber(project.stateDir, id), project: project.name, trigger } as const;
  };
  const ends = { ...options, begin, ...(stop === undefined ? {} : { stop }) };
  const code = await withSession(context, project, id, ends, async (session): Promise<ExitCode> => {
    const { recorder, interrupts, clock, say } = session;
    const opening = openRuntime(options, context, interrupts.cancel);
    opening.catch(() => undefined);
    const directory = sourceDirectory(project, id);
    let origin: Origin = {};
    let close: Frozen['close'];
    const freeze = async (signal: AbortSignal, log: (line: string) => void) => {
      const frozen = await wanted.freeze(directory, signal, log);
      origin = frozen.origin;
      close = frozen.close;
      return frozen;
    };
    const printedBy = (signal: AbortSignal, log: (line: string) => void) =>
      vettedPrinter(imagePrinter({ runtime: async () => (await opening).runtime, run: id, project: project.name, signal, log }), () => ({
        policy,
        projects: projectNames(),
        signal,
        log,
      }));
    const projectNames = (): readonly string[] => {
      const { domain, owner, repository } = origin;
      return [project.name, ...(domain && owner && repository ? [`${domain}/${owner}/${repository}`] : [])];
    };
    try {
      const vet = (plan: Plan, only: ReadonlySet<string> | undefined) => gateProblems(project, plan, only, by, options);
      return await withMirror({ context, project, run: id, place, interrupts, say }, async (carried): Promise<ExitCode> => {
        const end = await fetchAndPlan(
          {
            run: id,
            recorder,
            clock,
            outside: (plan, tree) => openSecrets(variables, identities, plan, () => readFrom(tree, secretsFile)),
            missing: missingValues,
            narrow: (_plan, only) => only,
            dialects,
            results: carried.results,
            snapshot: freeze,
            given: async () =>
              givenOf({
                ...wanted.asked,
                project: project.name,
                source: origin,
                variables,
                run: recorder.state(),
                ...(build === undefined ? {} : { build }),
              }),
            shape: (plan) => wanted.shape(options.log === undefined ? plan : withLog(plan, options.log)),
            vet,
            vetImages: async (plan, only, log) => {
              const { findImage: find } = await opening;
              return vetImages(plan, only, { policy, find, projects: projectNames(), signal: interrupts.cancel, log });
            },
            ready: () => opening.then(() => []),
            printedBy,
            stepBy: (signal, log) => stepByOf(context, project, { ...options, production: policy.production }, signal, log),
          },
          wanted.wanted,
          interrupts.cancel,
        );
        switch (end.kind) {
          case 'refused':
            afterwards = () => printProblems(context, end.problems, end.files);
            return exitCodes.refused;
          case 'errored':
            afterwards = () => Promise.reject(end.error);
            return exitCodes.errored;
          case 'cancelled':
            return exitCodes.cancelled;
          case 'unprinted':
            throw new Error(`what ${end.images.join(', ')} should print is not there`);
          case 'planned': {
            afterwards = () => printProblems(context, end.warnings, end.files, 'warning');
            const { runtime } = await opening;
            const deps = {
              journal: session.journal(),
              project: project.key,
              runtime: carried.planned(runtime),
              results: carried.results,
              clock,
              outside: end.outside,
              sink: session.printer,
              gatekeeper: gatekeeperOf(project, id, by, clock, options),
              source: () => tarOf(directory),
              ...storesOf(project),
            };
            return await carryOut(context, deps, options, interrupts);
          }
        }
      });
    } finally {
      await close?.();
      await forgetSource(project, await readRun(project, id));
      await opening.then(({ close }) => close()).catch(() => undefined);
    }
  });
  await afterwards();
  return { run: id, code };
};

/** The source of a run of a project as it lies there, or of a commit of it. */
export const freezeProject =
  (project: Project, commit: string | undefined): NewRun['freeze'] =>
  async (into, signal, log) => {
    const named = commit === undefined ? {} : { commit };
    const [source, origin] = await Promise.all([
      snapshot({ dir: project.root, ...named, into, signal, log }),
      originOf(project.root, commit),
    ]);
    const { branch: _branch, ...rest } = origin;
    const known = {
      ...rest,
      ...(source.commit === undefined ? {} : { commit: source.commit }),
      ...(source.branch === undefined ? {} : { branch: source.branch }),
    };
    return { source, tree: directoryTree(into), origin: known };
  };

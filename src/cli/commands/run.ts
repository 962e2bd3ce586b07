import { resolve } from 'node:path';
import { dialects as allDialects } from '../../dialects/dialects.ts';
import { systemClock } from '../../lib/clock.ts';
import { newRunId } from '../../lib/ids.ts';
import { makeProjectDir } from '../../local/project-dir.ts';
import { takeRunNumber } from '../../local/run-numbers.ts';
import type { Plan } from '../../plan/plan.ts';
import { snapshot } from '../../source/snapshot.ts';
import { tarOf } from '../../source/tar-of.ts';
import { type CarryOutOptions, carryOut } from '../carry-out.ts';
import { chooseDialects, filesOf, howToBegin } from '../choose-dialects.ts';
import { compileTree, isUnreadable } from '../compile-tree.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { fetchAndPlan } from '../fetch-and-plan.ts';
import { gatekeeperOf, gateProblems } from '../gates.ts';
import { identitiesOf, type IdentityOptions } from '../identities.ts';
import { imagePrinter } from '../image-printer.ts';
import type { PrinterOptions } from '../open-printer.ts';
import { openSecrets, secretsFile } from '../open-secrets.ts';
import { type OutsideOptions, outsideVariables } from '../outside-variables.ts';
import { printProblems } from '../print-problems.ts';
import { directoryTree, readFrom, readRun } from '../project.ts';
import { Refusal } from '../refusal.ts';
import { userName, withSession } from '../session.ts';
import { forgetSource, sourceDirectory } from '../snapshots.ts';
import { storesOf } from '../stores.ts';
import { askedPlace, type ResultsOptions, withMirror } from './open-mirror.ts';
import { openProject } from './open-project.ts';
import { openRuntime, type RuntimeOptions } from './open-runtime.ts';

export type RunOptions = OutsideOptions &
  IdentityOptions &
  PrinterOptions &
  CarryOutOptions & {
    readonly commit?: string;
    readonly only?: readonly string[];
    readonly dialect?: string;
    readonly log?: 'kept' | 'live';
  } & RuntimeOptions &
  ResultsOptions;

/** A commit, or the working tree as it is, from its text to its end (R-CIO-01, R-CIO-56). */
export const run = async (context: Context, args: readonly string[], options: RunOptions): Promise<ExitCode> => {
  const { targets, path } = split(args);
  const named = path ?? context.project;
  const project = await openProject(named === undefined ? context : { ...context, project: named });
  if (named !== undefined && resolve(context.cwd, named) !== project.root && !options.json) {
    context.stdout.write(`The project is ${project.root}, the git repository around ${resolve(context.cwd, named)}.\n`);
  }
  const dialects = chooseDialects(allDialects, options.dialect);
  const wanted = { targets, only: options.only ?? [] };
  const isExplicit = targets.length > 0 || wanted.only.length > 0;
  if (options.commit === undefined) {
    const text = await compileTree(directoryTree(project.root), dialects);
    if (text === undefined && !isExplicit) {
      context.stdout.write(`There is nothing to do: ${project.root} has no ${filesOf(dialects)}.\n${howToBegin(dialects)}\n`);
      return exitCodes.passed;
    }
    if (text !== undefined && !text.compiled.ok && isUnreadable(text)) {
      await printProblems(context, text.compiled.problems, text.files);
      return exitCodes.refused;
    }
  }
  const [variables, identities] = await Promise.all([outsideVariables(context.cwd, context.env, options), identitiesOf(context, options)]);
  const place = await askedPlace(context, options);
  await makeProjectDir(project.root);
  const id = newRunId(systemClock.now());
  const by = userName(context);
  let afterwards = async (): Promise<void> => undefined;
  const begin = async () => {
    const trigger = { kind: 'manual', by } as const;
    return { kind: 'run.created', run: id, number: await takeRunNumber(project.stateDir, id), project: project.name, trigger } as const;
  };
  const code = await withSession(context, project, id, { ...options, begin }, async (session): Promise<ExitCode> => {
    const { recorder, interrupts, clock, say } = session;
    const opening = openRuntime(options, context, interrupts.cancel);
    opening.catch(() => undefined);
    const directory = sourceDirectory(project, id);
    const freeze = async (signal: AbortSignal, log: (line: string) => void) => {
      const commit = options.commit === undefined ? {} : { commit: options.commit };
      const source = await snapshot({ dir: project.root, ...commit, into: directory, signal, log });
      return { source, tree: directoryTree(directory) };
    };
    const printedBy = (signal: AbortSignal, log: (line: string) => void) =>
      imagePrinter({ runtime: async () => (await opening).runtime, run: id, project: project.name, signal, log });
    try {
      const vet = (plan: Plan, only: ReadonlySet<string> | undefined) => gateProblems(project, plan, only, by, options);
      return await withMirror({ context, project, run: id, place, interrupts, say }, async (carried): Promise<ExitCode> => {
        const end = await fetchAndPlan(
          {
            run: id,
            recorder,
            clock,
            outside: (plan, tree) => openSecrets(variables, identities, plan, () => readFrom(tree, secretsFile)),
            dialects,
            results: carried.results,
            snapshot: freeze,
            vet,
            ready: opening,
            printedBy,
            ...(options.log === undefined ? {} : { log: options.log }),
          },
          wanted,
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
          case 'planned': {
            afterwards = () => printProblems(context, end.warnings, end.files);
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
      await forgetSource(project, await readRun(project, id));
      await opening.then(({ close }) => close()).catch(() => undefined);
    }
  });
  await afterwards();
  return code;
};

/** What has a slash, or is a dot or two, is a path. */
const split = (args: readonly string[]): { readonly targets: readonly string[]; readonly path?: string } => {
  const isPath = (text: string): boolean => text === '.' || text === '..' || text.includes('/');
  const [path, another] = args.filter(isPath);
  if (another !== undefined) throw new Refusal('USAGE', `Only one project can be run at a time, not ${path} and ${another}.`);
  return { targets: args.filter((text) => !isPath(text)), ...(path === undefined ? {} : { path }) };
};

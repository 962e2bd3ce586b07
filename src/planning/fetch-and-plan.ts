import { circumstancesOf } from '../dialects/circumstances.ts';
import type { Dialect, Given } from '../dialects/dialect.ts';
import type { Recorder } from '../engine/recorder.ts';
import type { Outside } from '../engine/given.ts';
import { allSettled } from '../lib/all-settled.ts';
import type { Clock } from '../lib/clock.ts';
import { askedCircumstances } from '../plan/circumstances.ts';
import { planDigest } from '../plan/digest.ts';
import type { Plan } from '../plan/plan.ts';
import type { Parsed, Problem } from '../plan/problem.ts';
import type { Results } from '../results/results.ts';
import type { RunFact, Source } from '../run/run-event.ts';
import { SourceError, type SourceErrorCode } from '../source/source-error.ts';
import type { VettedImages } from './vet-images.ts';
import { type StepBy, withSteps } from './with-steps.ts';
import { type CompiledTree, compileTree, type PrintedBy, type Tree } from './compile-tree.ts';
import { filesOf, howToBegin } from './configuration-files.ts';
import { fetchLog } from './fetch-log.ts';
import { plural, size } from '../lib/quantities.ts';
import { selectNodes, type Wanted } from './selection.ts';

export type FetchDeps = {
  readonly run: string;
  readonly recorder: Pick<Recorder, 'report'>;
  readonly results: Results;
  readonly clock: Clock;
  readonly dialects: readonly Dialect[];
  /** What the plan is given from outside; the tree is the run's own. */
  readonly outside: (plan: Plan, tree: Tree) => Promise<Outside>;
  /** A Problem for each value from outside that is not there. */
  readonly missing: (plan: Plan, outside: Outside, only: ReadonlySet<string> | undefined) => readonly Problem[];
  /** What the dialect is told of the run. */
  readonly given: (source: Source) => Promise<Given>;
  /** What the command line says over the text. */
  readonly shape: (plan: Plan) => Parsed<Plan>;
  /** What of the chosen nodes the run may be about; `undefined`: all. */
  readonly narrow: (plan: Plan, only: readonly string[] | undefined) => readonly string[] | undefined;
  /** Freezes the source of the run; `log` takes lines for the log of the step. */
  readonly snapshot: (signal: AbortSignal, log: (line: string) => void) => Promise<{ readonly source: Source; readonly tree: Tree }>;
  /** What keeps a plan from being run here and now. */
  readonly vet: (plan: Plan, only: ReadonlySet<string> | undefined) => Promise<readonly Problem[]>;
  /** The same of its images, which may get other names. */
  readonly vetImages: (plan: Plan, only: ReadonlySet<string> | undefined, log: (line: string) => void) => Promise<VettedImages>;
  /** Resolves when stages can be run, with what is to be told of that; only then there is a plan. */
  readonly ready: () => Promise<readonly RunFact[]>;
  /** Runs images that print a part of the configuration. */
  readonly printedBy: PrintedByOf;
  /** Whether it was the place that keeps what is known of runs: then nothing is said of this run, and the error is thrown. Absent: never. */
  readonly isOfPlace?: (error: unknown) => boolean;
  /** The source is known and recorded; what is missing is the plan. */
  readonly again?: true;
  /** Fetches the code of steps. */
  readonly stepBy: (signal: AbortSignal, log: (line: string) => void) => StepBy;
};

type PrintedByOf = (signal: AbortSignal, log: (line: string) => void) => PrintedBy;

/** `refused`: the run has ended with these Problems, which point into the files. */
export type FetchEnd =
  | {
      readonly kind: 'planned';
      readonly outside: Outside;
      readonly warnings: readonly Problem[];
      readonly files: CompiledTree['files'];
    }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[]; readonly files: CompiledTree['files'] }
  /** The plan takes what these images print, and `printedBy` will know that later: nothing of the run has ended. `facts`: what `ready` told. */
  | { readonly kind: 'unprinted'; readonly images: readonly string[]; readonly facts: readonly RunFact[] }
  | { readonly kind: 'errored'; readonly error: unknown }
  | { readonly kind: 'cancelled' };

/**
 * The first step of a run: its source is had and its text is compiled; to the world it is a stage called `fetch`. Whatever goes wrong,
 * the run ends with a reason (R-CIO-19).
 */
export const fetchAndPlan = async (deps: FetchDeps, wanted: Wanted, signal: AbortSignal): Promise<FetchEnd> => {
  const { recorder } = deps;
  if (deps.again !== true) await recorder.report([{ kind: 'fetch.started' }, { kind: 'run.noted', text: 'get code', aside: true }]);
  const log = fetchLog(deps.results, deps.run, deps.clock);
  log.say('get code');
  const refuse = async (problems: readonly Problem[], files: CompiledTree['files'] = []): Promise<FetchEnd> => {
    const message = problems.length === 1 ? (problems[0]?.message ?? '') : `The configuration has ${problems.length} problems.`;
    for (const problem of problems) log.say(`${placeOf(problem)}${problem.message}`);
    await log.end('failed', problems.length === 1 ? undefined : message);
    const parsed: readonly RunFact[] = files.length === 0 ? [] : [{ kind: 'run.noted', text: parsing(files), aside: true }];
    await recorder.report([...parsed, { kind: 'fetch.failed', outcome: 'failed', message, problems }, finished('failed')]);
    return { kind: 'refused', problems, files };
  };
  try {
    const { source, tree } = await deps.snapshot(signal, log.say);
    log.say(`${plural(source.files, 'file')}, ${size(source.bytes)}${source.commit === undefined ? '' : ` of ${source.commit}`}`);
    const compile = async () => {
      const given = await deps.given(source);
      const printedBy = deps.printedBy(signal, log.say);
      const text = await withSteps(deps.stepBy(signal, log.say), (steps) =>
        compileTree(tree, deps.dialects, { ...given, steps }, printedBy),
      );
      return text && { ...text, given };
    };
    const fetched: readonly RunFact[] = deps.again === true ? [] : [{ kind: 'fetch.finished', source }];
    const [, text] = await allSettled([recorder.report(fetched), compile()]);
    if (text === undefined) return await refuse([configMissing(source, deps.dialects)]);
    const { compiled, files, given } = text;
    log.say(parsing(files));
    if (!compiled.ok && compiled.wantsImages !== undefined) {
      return { kind: 'unprinted', images: compiled.wantsImages, facts: await deps.ready() };
    }
    if (!compiled.ok) return await refuse(compiled.problems, files);
    const { warnings } = compiled;
    const shaped = deps.shape(compiled.plan);
    if (!shaped.ok) return await refuse(shaped.problems, files);
    const unvetted = shaped.value;
    const selected = selectNodes(compiled, wanted);
    if (!selected.ok) return await refuse(selected.problems, files);
    const only = deps.narrow(unvetted, selected.value);
    const outside = await deps.outside(unvetted, tree);
    const names = only === undefined ? undefined : new Set(only);
    const missing = [...deps.missing(unvetted, outside, names), ...(await deps.vet(unvetted, names))];
    if (missing.length > 0) return await refuse(missing, files);
    const ready = await deps.ready();
    const { plan, problems } = await deps.vetImages(unvetted, names, log.say);
    if (problems.length > 0) return await refuse(problems, files);
    const circumstances = askedCircumstances(plan, circumstancesOf(given));
    await log.end('passed');
    await recorder.report([
      ...ready,
      { kind: 'run.noted', text: parsing(files), aside: true },
      {
        kind: 'run.planned',
        plan,
        digest: planDigest(compiled.plan),
        ...(only === undefined ? {} : { only }),
        ...(Object.keys(circumstances).length === 0 ? {} : { circumstances }),
      },
    ]);
    return { kind: 'planned', outside, warnings, files };
  } catch (error) {
    const problem = sourceProblem(error) ?? sourceProblem(signal.reason);
    if (problem !== undefined) return refuse([problem]);
    if (signal.aborted) {
      await log.end('cancelled').catch(() => undefined);
      await recorder.report([{ kind: 'run.cancel-requested', by: String(signal.reason), force: false }, finished('cancelled')]);
      return { kind: 'cancelled' };
    }
    if (deps.isOfPlace?.(error)) throw error;
    const message = error instanceof Error ? error.message : String(error);
    await log.end('errored', message).catch(() => undefined);
    await recorder.report([{ kind: 'fetch.failed', outcome: 'errored', message, problems: [] }, finished('errored')]);
    return { kind: 'errored', error };
  }
};

const parsing = (files: CompiledTree['files']): string => `parse ${files.map(({ path }) => path).join(', ')}`;

const finished = (outcome: 'failed' | 'errored' | 'cancelled'): RunFact => ({ kind: 'run.finished', outcome });

const placeOf = ({ range }: Problem): string => (range === undefined ? '' : `${range.file}:${range.start.line}:${range.start.column}: `);

/** What is not there, not to be had or too large is the user's mistake and not a fault of the platform. */
const sourceProblem = (error: unknown): Problem | undefined => {
  const hint = error instanceof SourceError ? sourceHints[error.code] : undefined;
  return error instanceof SourceError && hint !== undefined ? { code: error.code, message: error.message, hint } : undefined;
};

const sourceHints: Readonly<Partial<Record<SourceErrorCode, string>>> = {
  SOURCE_UNKNOWN_COMMIT: 'Give --commit a hash, a branch or a tag of this repository.',
  SOURCE_NO_COMMITS: 'Make one (git add, git commit), then run again. It need not be pushed.',
  SOURCE_NO_REPOSITORY: 'Give --commit a hash, a branch or a tag of this repository.',
  SOURCE_REF_GONE:
    'See that its name is right; it may also have been deleted after the run was asked for. Run a branch or a tag that is there.',
  SOURCE_DENIED: 'See that the address of the project is right and that its deploy key, or its credential, may read the repository.',
  SOURCE_CREDENTIAL: 'Give the project one that may read the repository: cion projects credential OWNER/NAME.',
  SOURCE_ADDRESS: 'Give the project the address that git clones it from.',
  SOURCE_TOO_LARGE: 'Remove what need not be in the repository, or ask those who run this cion for a larger limit.',
  SOURCE_TOO_SLOW: 'Try again, or ask those who run this cion for more time.',
};

const configMissing = ({ commit }: Source, dialects: readonly Dialect[]): Problem => ({
  code: 'CONFIG_MISSING',
  message: `There is no ${filesOf(dialects)}${commit === undefined ? '' : ` in ${commit.slice(0, 7)}`}.`,
  hint: `${howToBegin(dialects)} Commit it or leave it untracked, but not ignored.`,
});

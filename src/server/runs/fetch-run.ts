import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Dialect, Given, GivenSource } from '../../dialects/dialect.ts';
import type { Recorder } from '../../engine/recorder.ts';
import type { Clock } from '../../lib/clock.ts';
import { withPrinting } from '../../plan/printing.ts';
import { directoryTree, readFrom } from '../../planning/directory-tree.ts';
import { type FetchEnd, fetchAndPlan } from '../../planning/fetch-and-plan.ts';
import { givenOf } from '../../planning/given.ts';
import type { ImagePolicy } from '../../planning/image-policy.ts';
import { secretsFile } from '../../planning/open-secrets.ts';
import { onlyPipeline } from '../../planning/pipeline-check.ts';
import { vetImages } from '../../planning/vet-images.ts';
import { vettedPrinter } from '../../planning/vetted-printer.ts';
import type { StepBy } from '../../planning/with-steps.ts';
import type { Results } from '../../results/results.ts';
import type { Source } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';
import type { FetchedCommit } from '../../source/fetch-commit.ts';
import type { TreeLimits } from '../../source/measure-tree.ts';
import { parseRemote } from '../../source/remote.ts';
import { SourceError } from '../../source/source-error.ts';
import type { SourceWork } from '../../source/source-work.ts';
import { tarOf } from '../../source/tar-of.ts';
import type { Project } from '../../store/projects.ts';
import type { RunRequests } from '../../store/run-requests.ts';
import { StoreError } from '../../store/store-error.ts';
import { type Patience, patience } from '../patience.ts';
import type { PlanSecrets, RunSecrets } from '../secrets/run-secrets.ts';
import { isUntrusted } from '../secrets/who-is-given.ts';
import type { RunRequest } from './begin-run.ts';
import { type ConfigLimits, limitedTree } from './limited-tree.ts';
import { type PrintedDeps, printedFor } from './printed.ts';
import { mirrorOf, type RepositoryDeps, repositoryOf } from './project-repository.ts';
import { trustedNodes } from './trusted-nodes.ts';

/** Of one fetch: bytes as git packs them, what the commit has, its configuration, and the time for all of it. */
export type FetchLimits = { readonly packBytes: number; readonly tree: TreeLimits; readonly config: ConfigLimits; readonly ms: number };

const mib = 1024 * 1024;

export const defaultFetchLimits: FetchLimits = {
  packBytes: 2048 * mib,
  tree: { files: 200_000, bytes: 8192 * mib },
  config: { files: 1000, bytes: mib },
  ms: 15 * 60_000,
};

/** `directory`: checkouts lie in it, too. */
export type FetchRunDeps = Pick<PrintedDeps, 'outputOf'> &
  RepositoryDeps & {
    readonly results: Results;
    /** Keeps the source as the tar that workers fill volumes with. */
    readonly trees: { keep(tar: Readable): Promise<{ readonly digest: string; readonly bytes: number }> };
    readonly requests: Pick<RunRequests, 'keepSecretsFile'>;
    readonly secrets: Pick<RunSecrets, 'forPlan'>;
    /** Takes the secrets of a project out of what people wrote for people: the subject of a commit. */
    readonly cleaner: (project: string) => Promise<(text: string) => string>;
    readonly source: SourceWork;
    readonly clock: Clock;
    readonly dialects: readonly Dialect[];
    readonly policy: ImagePolicy;
    readonly limits: FetchLimits;
    readonly stepBy: (signal: AbortSignal, note: (line: string) => void) => StepBy;
    /** Of a run and of its project, for the text that is compiled; absent: there are none. */
    readonly pagesOf?: (run: Pick<RunState, 'project' | 'number'>) => NonNullable<Given['pages']>;
  };

export type AboutFetch = { readonly state: RunState; readonly request: RunRequest; readonly project: Project };

export const checkoutsOf = (directory: string): string => join(directory, 'checkouts');

/**
 * The source of a run and its plan, or why it has none, or what has to be printed before (docs/adr/0080-images-that-print-on-a-server.md), as `cion run` makes it: the same text at the same commit has the same digest.
 */
export const fetchRun = async (
  deps: FetchRunDeps,
  recorder: Pick<Recorder, 'report'>,
  about: AboutFetch,
  signal: AbortSignal,
): Promise<FetchEnd> => {
  const { clock, limits } = deps;
  const { state, request, project } = about;
  const tooSlow = new AbortController();
  const message = `The repository could not be had and read within ${Math.round(limits.ms / 60_000)} minutes.`;
  const startClock = () => clock.after(limits.ms, () => tooSlow.abort(new SourceError('SOURCE_TOO_SLOW', message)));
  let stopClock = startClock();
  const patiently = patience({
    clock,
    signal,
    waits: async (error) => {
      stopClock();
      await recorder.report([{ kind: 'run.noted', text: waitsText(error) }]);
    },
    goesOn: () => {
      stopClock();
      stopClock = startClock();
    },
  });
  const into = join(checkoutsOf(deps.directory), state.run);
  let branch: string | undefined;
  let secrets: PlanSecrets | undefined;
  /** Its text is read meanwhile. */
  let keeping: ReturnType<typeof deps.trees.keep> | undefined;
  const secretsNow = async (): Promise<PlanSecrets> =>
    (secrets ??= await deps.secrets.forPlan({ ...state, request, ...(branch && { branch }) }));
  const known = state.printing === undefined ? undefined : state.fetch.source;
  const vet = { policy: deps.policy, projects: namesOfProject(project), signal };
  try {
    const end = await fetchAndPlan(
      {
        run: state.run,
        recorder,
        results: patientResults(deps.results, patiently),
        clock,
        dialects: deps.dialects,
        ...(known === undefined ? {} : { again: true }),
        isOfPlace: isStoreAway,
        snapshot: async (fetchSignal, log) => {
          const fetched = await fetchPatiently(deps, about, known?.commit, fetchSignal, log);
          branch = known === undefined ? branchOf(request, refOf(about), fetched) : known.branch;
          const clean = await deps.cleaner(project.name);
          const frozen = await deps.source.snapshotOfMirror({
            gitDir: mirrorOf(deps.directory, project.name),
            commit: fetched,
            ...(branch && { branch }),
            into,
            limits: limits.tree,
            signal: fetchSignal,
            log: (line) => log(clean(line)),
          });
          const source = frozen.subject === undefined ? frozen : { ...frozen, subject: clean(frozen.subject) };
          if (known === undefined) keeping = patiently(() => deps.trees.keep(tarOf(into)));
          keeping?.catch(() => undefined);
          return { source, tree: limitedTree(directoryTree(into), limits.config, async (path) => (await stat(join(into, path))).size) };
        },
        given: async (source) =>
          givenOf({
            ...(request.pipeline === undefined ? {} : { pipeline: request.pipeline }),
            ...(request.target === undefined ? {} : { target: request.target }),
            project: project.name,
            source: { ...parseRemote(project.cloneUrl), ...namesOf(source, refOf(about)) },
            variables: (await secretsNow()).variables,
            run: state,
            ...(deps.pagesOf === undefined ? {} : { pages: deps.pagesOf(state) }),
          }),
        shape: onlyPipeline(request.pipeline),
        narrow: (plan, only) => (isUntrusted(state.trigger) ? trustedNodes(plan, only) : only),
        outside: async (plan, tree) => {
          const file = await readFrom(tree, secretsFile);
          if (file !== undefined) await deps.requests.keepSecretsFile(state.run, file);
          return (await secretsNow()).outside(plan, async () => file);
        },
        missing: (plan, outside, only) => secrets?.missing(plan, outside, only) ?? [],
        vet: async () => [],
        vetImages: (plan, only, log) => vetImages(plan, only, { ...vet, find: undefined, log }),
        ready: async () => {
          if (keeping === undefined) return [];
          const { digest, bytes } = await keeping;
          return [{ kind: 'source.kept', tree: digest, bytes }];
        },
        printedBy: (_signal, log) => vettedPrinter(printedFor(deps, state, log), () => ({ ...vet, log })),
        stepBy: (stepSignal, note) => {
          const fetched = deps.stepBy(stepSignal, note);
          return (reference) => patiently(() => fetched(reference));
        },
      },
      { targets: request.stages ?? [], only: [] },
      AbortSignal.any([signal, tooSlow.signal]),
    );
    if (end.kind === 'unprinted') {
      await recorder.report([...end.facts, { kind: 'run.printing', plan: withPrinting(state.printing, end.images) }]);
    }
    return end;
  } finally {
    await keeping?.catch(() => undefined);
    stopClock();
    await rm(into, { recursive: true, force: true });
  }
};

/** What it was asked for was not done, and may be done by the next try or by another server. */
const isStoreAway = (error: unknown): boolean =>
  error instanceof StoreError && (error.code === 'STORE_UNAVAILABLE' || error.code === 'STORE_LOCKED');

/** For who follows the run. */
export const waitsText = ({ message }: Error): string => `wait for the place of the results: ${message}`;

/** What is written again after a failure is written once. */
const patientResults = (results: Results, patiently: Patience): Results => ({
  ...results,
  begin: async (key, startedAt) => {
    const log = await patiently(() => results.begin(key, startedAt));
    return {
      get position() {
        return log.position;
      },
      append: (chunk) => patiently(() => log.append(chunk)),
      close: () => log.close(),
    };
  },
  finish: (key, summary) => patiently(() => results.finish(key, summary)),
});

const refOf = ({ request: { ref, commit }, project }: AboutFetch): string | undefined =>
  ref ?? (commit === undefined ? `refs/heads/${project.defaultBranch}` : undefined);

const namesOf = ({ commit, branch }: Source, ref: string | undefined): GivenSource => ({
  ...(commit === undefined ? {} : { commit }),
  ...(branch === undefined ? {} : { branch }),
  ...(ref?.startsWith('refs/tags/') ? { tag: ref.slice('refs/tags/'.length) } : {}),
});

/** What was pushed to a branch is of that branch; anything else only when it is the newest there, whatever who asked says. */
const branchOf = ({ trigger }: RunRequest, ref: string | undefined, { isTip }: FetchedCommit): string | undefined => {
  const isOfBranch = trigger.kind === 'push' || (trigger.kind !== 'pull-request' && isTip);
  return isOfBranch && ref?.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : undefined;
};

const namesOfProject = ({ name, cloneUrl }: Project): readonly string[] => {
  const remote = parseRemote(cloneUrl);
  return [name, ...(remote === undefined ? [] : [`${remote.domain}/${remote.owner}/${remote.repository}`])];
};

/** Between tries of a server that does not answer, ms. */
const pauses = [1000, 5000];

const fetchPatiently = async (
  deps: FetchRunDeps,
  about: AboutFetch,
  /** It was fetched for the run before, whatever became of its branch. */
  known: string | undefined,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<FetchedCommit> => {
  const ref = known === undefined ? refOf(about) : undefined;
  const commit = known ?? about.request.commit;
  const repository = repositoryOf(deps, about.project);
  for (const pause of [...pauses, undefined]) {
    try {
      return await deps.source.fetchCommit({
        ...repository,
        gitDir: mirrorOf(deps.directory, about.project.name),
        ...(commit === undefined ? {} : { commit }),
        ...(ref === undefined ? {} : { ref }),
        packBytes: deps.limits.packBytes,
        signal,
      });
    } catch (error) {
      if (pause === undefined || !(error instanceof SourceError) || error.code !== 'SOURCE_FETCH_FAILED') throw error;
      log(error.message);
      await pauseOf(pause, deps.clock, signal);
    }
  }
  throw new Error('the last try has no pause after it');
};

const pauseOf = async (ms: number, clock: Clock, signal: AbortSignal): Promise<void> => {
  const over = Promise.withResolvers<void>();
  const stop = clock.after(ms, over.resolve);
  signal.addEventListener('abort', () => over.resolve(), { once: true });
  await over.promise;
  stop();
  signal.throwIfAborted();
};

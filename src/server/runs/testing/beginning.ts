import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { dialects } from '../../../dialects/dialects.ts';
import { systemClock } from '../../../lib/clock.ts';
import { newRunId } from '../../../lib/ids.ts';
import { treeStore } from '../../../local/tree-store.ts';
import { refused } from '../../../plan/problem.ts';
import { memoryResults } from '../../../results/memory/memory-results.ts';
import type { RunState } from '../../../run/run-state.ts';
import { sealerOf } from '../../../secrets/sealer.ts';
import { memoryApprovedAuthors } from '../../../store/memory/memory-approved-authors.ts';
import { memoryRunRequests } from '../../../store/memory/memory-run-requests.ts';
import { memorySecrets } from '../../../store/memory/memory-secrets.ts';
import { memoryStore } from '../../../store/memory/memory-store.ts';
import { defaultSettings, type Project } from '../../../store/projects.ts';
import type { AuditEntry } from '../../actor.ts';
import { forkPolicy } from '../../approvals/fork-policy.ts';
import { defaultLimits } from '../../dispatch/dispatcher-deps.ts';
import { exactOutput } from '../../exact-output.ts';
import { makeDispatcher } from '../../dispatch/make-dispatcher.ts';
import { cleanerOf } from '../../secrets/cleaner.ts';
import { projectSecrets } from '../../secrets/project-secrets.ts';
import { runSecrets } from '../../secrets/run-secrets.ts';
import { defaultFetchLimits } from '../fetch-run.ts';
import { sourceWork } from '../../../source/source-work.ts';
import { type BeginRunDeps, makeBeginRun } from '../make-begin-run.ts';

const person = ['-c', 'user.name=me', '-c', 'user.email=me@example.com', '-c', 'commit.gpgsign=false'];
export const git = (directory: string, ...args: readonly string[]): string =>
  execFileSync('git', ['-C', directory, ...person, ...args], { stdio: ['ignore', 'pipe', 'ignore'] })
    .toString()
    .trim();

/** A server's beginning of runs over a real repository of one project, with stores in memory; gone after the test. */
export const beginning = (t: Pick<TestContext, 'after'>, more: Partial<BeginRunDeps> & { readonly project?: Partial<Project> } = {}) => {
  const root = mkdtempSync(join(tmpdir(), 'cion-begin-'));
  const repository = join(root, 'app');
  mkdirSync(repository);
  git(repository, 'init', '-q', '-b', 'main');
  const commit = (files: Readonly<Record<string, string | Uint8Array>>, subject = 'A commit'): string => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(repository, path)), { recursive: true });
      writeFileSync(join(repository, path), text);
    }
    git(repository, 'add', '-A', '-f');
    git(repository, 'commit', '-q', '--allow-empty', '-m', subject);
    return git(repository, 'rev-parse', 'HEAD');
  };
  const sealer = sealerOf([randomBytes(32)]);
  const project: Project = {
    name: 'acme/app',
    cloneUrl: pathToFileURL(repository).href,
    defaultBranch: 'main',
    visibility: 'private',
    webhookSecret: '',
    settings: defaultSettings,
    createdAt: 0,
    ...more.project,
  };
  const { runs, queue } = memoryStore();
  const requests = memoryRunRequests();
  const kept = memorySecrets();
  const secrets = runSecrets({ secrets: kept, requests, sealer });
  const results = memoryResults();
  const outputOf = async (state: RunState, stage: string) => {
    const bytes = await exactOutput({ results, outputs: { read: async () => undefined }, limits: { outputBytes: 2 ** 22 } }, state, stage);
    return { bytes, sensitive: false };
  };
  const dispatcherOf = () =>
    makeDispatcher({
      runs,
      queue,
      clock: systemClock,
      newRunId,
      policyOf: async () => defaultSettings,
      outsideOf: secrets.outsideOf,
      outputOf,
      failed: (error) => warnings.push(String(error)),
      limits: defaultLimits,
    });
  let dispatcher = dispatcherOf();
  const trees = treeStore(join(root, 'trees'));
  const warnings: string[] = [];
  const notes: AuditEntry[] = [];
  const approvedAuthors = memoryApprovedAuthors();
  const depsNow = (): BeginRunDeps => ({
    dispatcher,
    projects: { get: async (name) => (name === project.name ? project : undefined) },
    requests,
    forks: forkPolicy({ approvedAuthors, withinMs: 5 * 86_400_000 }),
    guard: { note: async (entry) => void notes.push(entry) },
    secrets,
    cleaner: cleanerOf({ secrets: kept, sealer }),
    sealer,
    results,
    outputOf,
    trees: { keep: async (tar) => ({ digest: await trees.put(tar), bytes: 0 }) },
    clock: systemClock,
    dialects,
    policy: { production: false, allowRegistries: [], privateServices: [] },
    limits: defaultFetchLimits,
    stepBy: () => async (reference) => refused({ code: 'STEP_UNKNOWN', message: `There is no step ${reference}.` }),
    directory: join(root, 'data'),
    allowFiles: true,
    source: sourceWork,
    fetches: 2,
    warn: (line) => warnings.push(line),
    ...more,
  });
  let life = new AbortController();
  let beginner = makeBeginRun(depsNow());
  let going: Promise<unknown> = Promise.resolve();
  const carry = (): void => {
    going = Promise.all([dispatcher.start(life.signal), beginner.start(life.signal)]);
  };
  const stop = async (): Promise<void> => {
    life.abort(new Error('the server stops'));
    await going;
  };
  t.after(async () => {
    await stop();
    rmSync(root, { recursive: true, force: true });
  });
  return {
    root,
    repository,
    commit,
    project,
    requests,
    secrets,
    sealer,
    trees,
    results,
    warnings,
    notes,
    approvedAuthors,
    runs,
    kept,
    projectSecrets: projectSecrets({ store: kept, sealer, clock: systemClock }),
    get dispatcher() {
      return dispatcher;
    },
    get beginRun() {
      return beginner.beginRun;
    },
    start: () => {
      carry();
    },
    stop,
    /** Another server takes up what is in the stores. */
    restart: async () => {
      await stop();
      life = new AbortController();
      dispatcher = dispatcherOf();
      beginner = makeBeginRun(depsNow());
      carry();
    },
    /** As it is when it has a plan, or has ended. */
    settled: (run: string): Promise<RunState> => {
      const done = Promise.withResolvers<RunState>();
      const look = (state: RunState | undefined): void => {
        if (state !== undefined && (state.plan !== undefined || state.phase === 'finished')) done.resolve(state);
      };
      const unwatch = dispatcher.watch(run, (_events, state) => look(state));
      void dispatcher.state(run).then(look, done.reject);
      return done.promise.finally(unwatch);
    },
  };
};

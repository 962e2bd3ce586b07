import { rm } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import { paths } from '../../api/paths.ts';
import { tokenOfParts } from '../../api/worker-signing.ts';
import { dialects } from '../../dialects/dialects.ts';
import type { Clock } from '../../lib/clock.ts';
import { newRunId } from '../../lib/ids.ts';
import type { Stage } from '../../plan/plan.ts';
import type { ImagePolicy } from '../../planning/image-policy.ts';
import type { RunState } from '../../run/run-state.ts';
import type { Sealer } from '../../secrets/sealer.ts';
import type { Actor } from '../../server/actor.ts';
import { makeApp } from '../../server/app.ts';
import { approvalsPlugin } from '../../server/approvals/approvals-plugin.ts';
import { approveRun } from '../../server/approvals/approve-run.ts';
import { askAgain } from '../../server/approvals/ask-again.ts';
import { forkPolicy } from '../../server/approvals/fork-policy.ts';
import { authOf } from '../../server/auth/auth.ts';
import { isSame } from '../../server/auth/bearer.ts';
import { forgeAccessOf } from '../../server/auth/forge-access.ts';
import { callbackOf, type ForgeApp, forgeLoginOf } from '../../server/auth/forge-login.ts';
import { forgeTokensOf } from '../../server/auth/forge-tokens.ts';
import { guardOf } from '../../server/auth/guard.ts';
import { type SetupToken, setupTokenOf } from '../../server/auth/setup-token.ts';
import { defaultLimits as dispatchLimits } from '../../server/dispatch/dispatcher-deps.ts';
import { makeDispatcher } from '../../server/dispatch/make-dispatcher.ts';
import { seenWorkers } from '../../server/dispatch/seen-workers.ts';
import { explain } from '../../server/dispatch/why.ts';
import { exactOutput } from '../../server/exact-output.ts';
import { git } from '../../server/forges/git/hook.ts';
import { gitea } from '../../server/forges/gitea/hook.ts';
import { giteaLogin } from '../../server/forges/gitea/login.ts';
import { github } from '../../server/forges/github/hook.ts';
import { gitHubLogin } from '../../server/forges/github/login.ts';
import { gitlab } from '../../server/forges/gitlab/hook.ts';
import { gitLabLogin } from '../../server/forges/gitlab/login.ts';
import { cacheOwner } from '../../server/housekeeping/cache-owner.ts';
import { housekeeper, type Keep } from '../../server/housekeeping/housekeeper.ts';
import { leftoverBytes } from '../../server/housekeeping/leftover-bytes.ts';
import { defaultLimits as httpLimits } from '../../server/http-limits.ts';
import type { ForgeSite } from '../../server/intake/intake-deps.ts';
import { makeIntake } from '../../server/intake/intake-plugin.ts';
import { deliver } from '../../server/notifications/deliver.ts';
import { type MailServer, sendMail } from '../../server/notifications/mail-server.ts';
import { notificationsPlugin } from '../../server/notifications/notifications-plugin.ts';
import { postOffice } from '../../server/notifications/post-office.ts';
import { writeLetters } from '../../server/notifications/write-letters.ts';
import { runMetricsPlugin } from '../../server/observe/run-metrics-plugin.ts';
import { sendTraces, type TraceEndpoint } from '../../server/observe/send-traces.ts';
import { type ServerMetrics, serverMetrics } from '../../server/observe/server-metrics.ts';
import { allowedAddresses } from '../../server/outgoing/allowed-addresses.ts';
import { outgoing } from '../../server/outgoing/outgoing.ts';
import { jobImages } from '../../server/registry/job-images.ts';
import type { RegistryKey } from '../../server/registry/registry-key.ts';
import { registryPlugin } from '../../server/registry/registry-plugin.ts';
import { registryTokens } from '../../server/registry/registry-tokens.ts';
import { accessOf } from '../../server/routes/access.ts';
import { pagesPlugin } from '../../server/routes/pages.ts';
import { fsOutputs } from '../../server/outputs/fs-outputs.ts';
import { defaultFetchLimits, type FetchRunDeps } from '../../server/runs/fetch-run.ts';
import { hasRefOf, mirrorOf } from '../../server/runs/project-repository.ts';
import { keepRunObjects } from '../../server/runs/keep-run-objects.ts';
import { followRuns, type Reader } from '../../server/runs/follow-runs.ts';
import { releaseOf } from '../../server/runs/release.ts';
import { rollbackPlugin } from '../../server/runs/rollback-plugin.ts';
import { makeBeginRun } from '../../server/runs/make-begin-run.ts';
import { cleanerOf } from '../../server/secrets/cleaner.ts';
import { projectSecrets } from '../../server/secrets/project-secrets.ts';
import { resealProjects } from '../../server/secrets/reseal-projects.ts';
import { secretsPlugin } from '../../server/secrets/secrets-plugin.ts';
import { runSecrets } from '../../server/secrets/run-secrets.ts';
import { latestVersion } from '../../server/triggers/latest-version.ts';
import { timers } from '../../server/triggers/timers.ts';
import { triggersPlugin } from '../../server/triggers/triggers-plugin.ts';
import { upstreamRuns } from '../../server/triggers/upstream-runs.ts';
import { defaultSettings } from '../../store/projects.ts';
import type { ServerState } from './server-state.ts';
import type { SourceWork } from '../../source/source-work.ts';
import type { ServerStorage } from './server-storage.ts';

export type ServerParts = {
  readonly state: ServerState;
  readonly storage: ServerStorage;
  readonly sealer: Sealer;
  /** Of a worker, by what it proves itself with; the newest first. */
  readonly workerKeys: (bearer: string) => readonly [Uint8Array, ...Uint8Array[]];
  readonly source: SourceWork;
  readonly clock: Clock;
  readonly keep: Keep;
  /** How long a run of a fork waits for its approval. */
  readonly approveWithinMs: number;
  /** Addresses and networks of proxies whose word counts for where a request comes from. */
  readonly proxies: readonly string[];
  /** The server's own: mirrors, checkouts, outputs. */
  readonly directory: string;
  /** As browsers and forges reach it. */
  readonly publicUrl: string;
  readonly policy: ImagePolicy;
  readonly stepBy: FetchRunDeps['stepBy'];
  /** The forges that one can log in with. */
  readonly apps: readonly (ForgeApp & { readonly kind: ForgeSite['kind'] })[];
  readonly sites: readonly ForgeSite[];
  /** A file of ssh; absent: who answers first is remembered. */
  readonly knownHosts?: string;
  readonly allowFiles: boolean;
  /** Besides the public internet: what users may have called. */
  readonly allowAddresses: readonly string[];
  readonly mail?: MailServer;
  readonly traces?: TraceEndpoint;
  /** Absent: no registry of its own. */
  readonly registry?: { readonly host: string; readonly prefix: string; readonly key: RegistryKey };
  /** The token and name of the worker in this process. */
  readonly embedded: { readonly token: string; readonly worker: string };
  /** JSON lines. */
  readonly log: { write(line: string): void };
  /** For who runs the server; no secrets. */
  readonly warn: (text: string) => void;
};

export type OpenServer = {
  readonly app: FastifyInstance;
  readonly setup: SetupToken;
  readonly metrics: ServerMetrics;
  /** Carries runs, works on what came in, until the signal aborts. */
  start(signal: AbortSignal): Promise<void>;
};

/** A server of its parts; nothing of it has begun yet. Rejects with SealError where the key is not the one that its database was written with. */
export const openServer = async (parts: ServerParts): Promise<OpenServer> => {
  const { state, storage, sealer, clock, directory, publicUrl, warn } = parts;
  const { runs, queue, projects } = state;
  const failed = (error: unknown): void => warn(error instanceof Error ? error.message : String(error));
  const logins = parts.apps.map((app) => forgeLoginOf(ways[app.kind], app, callbackOf(publicUrl, app.kind), clock));
  const forgeTokens = forgeTokensOf({ ...state, sealer, clock, logins });
  const forge = forgeAccessOf(logins, { tokens: forgeTokens, clock });
  const guard = guardOf({ ...state, forge, clock });
  const setup = await setupTokenOf(state.accounts);
  const workerToken = (bearer: string): string => tokenOfParts(bearer, parts.workerKeys(bearer)[0]);
  const auth = authOf({ ...state, guard, sealer, clock, setup, publicUrl, workerToken, logins, forgeTokens });
  const outputs = fsOutputs({ root: `${directory}/outputs`, sealer });
  const secrets = runSecrets({ secrets: state.secrets, requests: state.requests, sealer });
  const cleaner = cleanerOf({ secrets: state.secrets, sealer });

  const openedBy = (path: string): string => new URL(path.slice(1), `${publicUrl}/`).href;
  const pageOf = ({ project, number }: Pick<RunState, 'project' | 'number'>): string => openedBy(paths.runPage(project, number));

  const outputOf = async (of: RunState, stage: string) => ({
    bytes: await exactOutput({ results: storage.results, outputs, limits: httpLimits }, of, stage),
    sensitive: of.plan?.nodes.some((node): node is Stage => node.kind === 'stage' && node.name === stage && node.sensitive) === true,
  });
  const { registry } = parts;
  const tokens = registry && registryTokens(registry.key, registry.host, clock);
  const dispatcher = makeDispatcher({
    runs,
    queue,
    clock,
    newRunId,
    policyOf: async (project) => (await projects.get(project))?.settings ?? defaultSettings,
    outsideOf: secrets.outsideOf,
    outputOf,
    ...(registry && tokens ? { images: jobImages([registry.host, registry.prefix].filter(Boolean).join('/'), tokens) } : {}),
    failed,
    limits: dispatchLimits,
  });
  const seen = seenWorkers(dispatcher, clock);
  const connected = (): number => seen.workers().filter(({ isConnected }) => isConnected).length;
  const release = releaseOf({ dispatcher, results: storage.results, trees: storage.trees, outputOf, outsideOf: secrets.outsideOf });
  const repository = {
    sealer,
    directory,
    allowFiles: parts.allowFiles,
    ...(parts.knownHosts === undefined ? {} : { knownHosts: parts.knownHosts }),
  };
  const hasRef = hasRefOf({ ...repository, source: parts.source, projects, clock });
  const beginner = makeBeginRun({
    ...repository,
    dispatcher,
    releaseOf: release,
    projects,
    requests: state.requests,
    forks: forkPolicy({ approvedAuthors: state.approvedAuthors, withinMs: parts.approveWithinMs }),
    guard,
    results: storage.results,
    trees: storage.trees,
    secrets,
    cleaner,
    outputOf,
    source: parts.source,
    clock,
    dialects,
    policy: parts.policy,
    limits: defaultFetchLimits,
    stepBy: parts.stepBy,
    pagesOf: (run) => ({ run: pageOf(run), project: openedBy(paths.projectPage(run.project)) }),
    fetches: 4,
    warn,
  });
  const { beginRun } = beginner;

  type Request = Parameters<typeof auth.actorOf>[0];
  const bearerOf = (request: Request): string => /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const isEmbedded = (request: Request): boolean => isSame(bearerOf(request), parts.embedded.token);
  const actorOf = async (request: Request): Promise<Actor> =>
    isEmbedded(request) ? { kind: 'worker', worker: parts.embedded.worker } : auth.actorOf(request);
  const leftovers = leftoverBytes({
    housekeeping: state.housekeeping,
    projects,
    removeResults: storage.remove,
    outputs,
    caches: storage.cacheShelf,
    removeMirror: (project) => rm(mirrorOf(directory, project), { recursive: true, force: true }),
  });
  const intake = makeIntake({
    ...state,
    projects: { ...projects, add: leftovers.add },
    dispatcher,
    beginRun,
    forges: [github, gitlab, gitea, git],
    sites: parts.sites,
    tokenOf: (account, { url }) => forgeTokens.of(account, url),
    actorOf,
    guard,
    sealer,
    clock,
    publicUrl,
    pageOf,
    allowFiles: parts.allowFiles,
    warn,
  });
  const send = outgoing({ allowed: allowedAddresses(parts.allowAddresses), clock });
  const ofTimers = { ...state, beginRun, latestVersion: latestVersion(send, clock), sealer, clock, failed };
  const kindsOfTimers = [timers(ofTimers, 'times'), timers(ofTimers, 'watches')];
  const office = postOffice({
    outbox: state.outbox,
    deliver: deliver({ send, clock, ...(parts.mail === undefined ? {} : { sendMail: sendMail(parts.mail) }) }),
    sealer,
    clock,
    failed,
  });
  const ofRuns = storage.runObjects && keepRunObjects({ objects: storage.runObjects, dispatcher, runs, clock, failed });
  const readers: readonly Reader[] = [
    upstreamRuns({ ...state, beginRun, guard, clock }),
    writeLetters({
      ...state,
      cleaner,
      publicUrl: `${publicUrl}/`,
      clock,
      written: office.wake,
    }),
    ...(parts.traces === undefined ? [] : [sendTraces(parts.traces, { runs, failed })]),
    ...(ofRuns === undefined ? [] : [ofRuns.reader]),
  ];
  const following = readers.map((reader) => followRuns({ dispatcher, runs, marks: state.marks, clock, failed }, reader));
  const approve = approveRun({ ...state, dispatcher, guard, clock });
  const again = askAgain({ ...state, dispatcher, beginRun, guard });
  const access = accessOf({ actorOf, guard, projects, runs, dispatcher });
  const metrics = serverMetrics({ queue, workers: async () => connected(), clock });
  metrics.follow(dispatcher);
  const kept = projectSecrets({ store: state.secrets, sealer, clock });
  const keeper = housekeeper({
    runs,
    housekeeping: state.housekeeping,
    leftovers,
    secrets: kept,
    trees: storage.treeShelf,
    caches: storage.cacheShelf,
    ...(storage.uploadShelf === undefined ? {} : { uploads: storage.uploadShelf }),
    keep: parts.keep,
    clock,
    failed,
  });
  const app = makeApp({
    dispatcher,
    workers: seen.api,
    runs,
    queue,
    projects,
    results: storage.results,
    trees: storage.trees,
    caches: (of) => storage.caches(cacheOwner(of)),
    outputs,
    ...(storage.downloads === undefined ? {} : { downloads: storage.downloads }),
    ...(storage.direct === undefined ? {} : { direct: storage.direct }),
    leases: dispatcher,
    actorOf,
    guard,
    workerKeys: (request) => (isEmbedded(request) ? undefined : parts.workerKeys(bearerOf(request))),
    beginRun,
    why: async (of, node) => {
      const trouble = of.phase === 'finished' ? undefined : storage.trouble();
      const waits = trouble && `What is to be kept waits since ${new Date(trouble.since).toISOString()}: ${trouble.message}.`;
      return [explain({ state: of, queue: await queue.list(), workers: seen.workers() }).get(node) ?? '', ...(waits ? [waits] : [])];
    },
    health: async () => ({
      database: await queue.list().then(
        () => true,
        () => false,
      ),
      workers: connected(),
      results: storage.trouble() === undefined,
    }),
    plugins: [
      auth.plugin,
      intake.plugin,
      secretsPlugin({ secrets: kept, projects, actorOf, guard }),
      triggersPlugin({
        ...state,
        access: access.project,
        guard,
        hasRef,
        changed: () => kindsOfTimers.forEach(({ wake }) => wake()),
        sealer,
        clock,
      }),
      notificationsPlugin({
        ...state,
        access: access.project,
        guard,
        written: office.wake,
        hasMail: parts.mail !== undefined,
        sealer,
        clock,
      }),
      runMetricsPlugin({ access: access.project, runs }),
      pagesPlugin({ access, runs, actorOf, guard, formTokenOf: auth.formTokenOf, approve, askAgain: again }),
      approvalsPlugin({ access, runs, approve, askAgain: again }),
      rollbackPlugin({ ...state, access: access.project, releaseOf: release, beginRun, guard }),
      ...(registry && tokens
        ? [registryPlugin({ ...registry, service: registry.host, tokens, projects, leases: dispatcher, actorOf, guard })]
        : []),
    ],
    proxies: parts.proxies,
    clock,
    log: parts.log,
  });
  metrics.observe(app);
  await kept.reseal();
  await resealProjects(projects, sealer);
  return {
    app,
    setup,
    metrics,
    start: async (signal) => {
      await dispatcher.start(signal);
      if (signal.aborted) return;
      const others = ofRuns === undefined ? [] : [ofRuns];
      await Promise.all(
        [beginner, ...kindsOfTimers, office, keeper, ...following, ...others].map((part) => part.start(signal)).concat(intake.run(signal)),
      );
    },
  };
};

const ways = { github: gitHubLogin, gitlab: gitLabLogin, gitea: giteaLogin } as const;

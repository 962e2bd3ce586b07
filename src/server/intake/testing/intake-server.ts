import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import rateLimit from '@fastify/rate-limit';
import { fastify } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { RunEvent } from '../../../run/run-event.ts';
import type { RunState } from '../../../run/run-state.ts';
import { sealerOf } from '../../../secrets/sealer.ts';
import type { DeliveryStore } from '../../../store/deliveries.ts';
import { defaultSettings, type Project, type ProjectSettings, type ProjectStore } from '../../../store/projects.ts';
import type { RunRow } from '../../../store/run-store.ts';
import type { Clock } from '../../../lib/clock.ts';
import { systemClock } from '../../../lib/clock.ts';
import { sqlDeliveries } from '../../../store/sql/deliveries.ts';
import { sqlProjects } from '../../../store/sql/projects.ts';
import { type TestDatabase, testDatabases } from '../../../store/sql/testing/databases.ts';
import type { Actor, AuditEntry, Right } from '../../actor.ts';
import { gitea } from '../../forges/gitea/hook.ts';
import { github } from '../../forges/github/hook.ts';
import { gitlab } from '../../forges/gitlab/hook.ts';
import { git } from '../../forges/git/hook.ts';
import type { BeginRun, RunRequest } from '../../runs/begin-run.ts';
import type { ForgeSite } from '../intake-deps.ts';
import { makeIntake } from '../intake-plugin.ts';
import { webhookContext } from '../project-secrets.ts';

/** A real server with nothing but the intake, over a real database. Runs are begun by writing down that they were. */
export type IntakeServer = {
  readonly url: string;
  readonly projects: ProjectStore;
  readonly deliveries: DeliveryStore;
  readonly begun: readonly RunRequest[];
  readonly notes: readonly AuditEntry[];
  readonly warnings: readonly string[];
  /** Projects whose policy was said to have changed. */
  readonly policies: readonly string[];
  readonly rows: Map<string, RunRow>;
  /** `account` → rights, on any project. */
  readonly rights: Map<string, readonly Right[]>;
  readonly tokens: Map<string, string>;
  /** What runs are begun with, in place of writing down. */
  begin: BeginRun;
  secretOf(project: Project): string;
  addProject(
    name: string,
    more?: Partial<Project> & { readonly secret?: string; readonly chosen?: Partial<ProjectSettings> },
  ): Promise<Project>;
  /** Begins to work on deliveries, and on statuses. */
  start(): void;
  /** When no delivery waits that is due. */
  idle(): Promise<void>;
  /** When that many runs were begun. */
  begunCount(count: number): Promise<void>;
  tell(events: readonly RunEvent[], state: RunState): void;
  close(): Promise<void>;
};

const anySecret = Buffer.alloc(32, 3).toString('base64');
const sealer = sealerOf([Buffer.alloc(32, 9)]);

export const intakeDatabase = (): Promise<TestDatabase> => {
  const [embedded] = testDatabases;
  if (embedded === undefined) throw new Error('there is no database for tests');
  return embedded.make();
};

export const intakeServer = async (
  { database }: Pick<TestDatabase, 'database'>,
  given: { readonly clock?: Clock; readonly sites?: readonly ForgeSite[]; readonly publicUrl?: string } = {},
): Promise<IntakeServer> => {
  const { clock = systemClock, sites = [], publicUrl = 'https://cion.example' } = given;
  const [projects, deliveries] = [sqlProjects(database), sqlDeliveries(database)];
  const begun: RunRequest[] = [];
  const runs = new Map<string, string>();
  const notes: AuditEntry[] = [];
  const warnings: string[] = [];
  const rows = new Map<string, RunRow>();
  const states = new Map<string, RunState>();
  const rights = new Map<string, readonly Right[]>();
  const tokens = new Map<string, string>();
  const policies: string[] = [];
  const listeners = new Set<(events: readonly RunEvent[], state: RunState) => void>();
  const changed = new EventTarget();
  const stop = new AbortController();
  let running: Promise<void> = Promise.resolve();

  const guard = {
    may: async (actor: Actor, right: Right, project?: string) =>
      actor.kind === 'account' &&
      (actor.isAdmin || (project === undefined && right === 'settings') || (rights.get(actor.account) ?? []).includes(right)),
    note: async (entry: AuditEntry) => void notes.push(entry),
  };
  const intake = makeIntake({
    projects,
    deliveries: {
      ...deliveries,
      settle: async (delivery, result) => {
        await deliveries.settle(delivery, result);
        changed.dispatchEvent(new Event('settled'));
      },
    },
    runs: {
      list: async ({ project, run, runs, finished }) =>
        [...rows.values()].filter(
          (row) =>
            (project === undefined || row.project === project) &&
            (run === undefined || row.run === run) &&
            (runs === undefined || runs.includes(row.run)) &&
            (finished === undefined || (row.phase === 'finished') === finished),
        ),
    },
    dispatcher: {
      state: async (run) => states.get(run),
      watch: (_run, listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      policyChanged: async (project) => void policies.push(project),
    },
    beginRun: (request) => server.begin(request),
    forges: [github, gitlab, gitea, git],
    sites,
    tokenOf: async (account, { kind }) => tokens.get(`${account} ${kind}`),
    actorOf: async ({ headers }) => {
      const [kind, name = ''] = (headers.authorization ?? '').replace('Bearer ', '').split(':');
      return name === '' ? { kind: 'anonymous' } : { kind: 'account', account: name, name, isAdmin: kind === 'admin' };
    },
    guard,
    sealer,
    clock,
    publicUrl,
    pageOf: ({ project, number }) => `${publicUrl}/${project}/runs/${number}`,
    warn: (text) => void warnings.push(text),
  });

  const app = fastify({ forceCloseConnections: true });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  await app.register(rateLimit, { max: 100, timeWindow: 60_000 });
  await app.register(intake.plugin);
  await app.listen({ host: '127.0.0.1', port: 0 });

  const server: IntakeServer = {
    url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`,
    projects,
    deliveries,
    begun,
    notes,
    policies,
    warnings,
    rows,
    rights,
    tokens,
    begin: async (request) => {
      const name = `${request.project} ${request.once}`;
      const known = runs.get(name);
      if (known !== undefined) return { kind: 'exists', run: known };
      const run = `run_${begun.push(request)}`;
      runs.set(name, run);
      changed.dispatchEvent(new Event('begun'));
      return { kind: 'created', run };
    },
    secretOf: ({ name, webhookSecret }) => sealer.open(webhookSecret, webhookContext(name)).toString(),
    addProject: async (name, { secret = anySecret, chosen = {}, ...more } = {}) => {
      const project: Project = {
        name,
        cloneUrl: `https://forge.example/${name}.git`,
        defaultBranch: 'main',
        visibility: 'private',
        webhookSecret: sealer.seal(secret, webhookContext(name)),
        settings: { ...defaultSettings, ...chosen },
        createdAt: 0,
        ...more,
      };
      await projects.add(project);
      return project;
    },
    start: () => {
      running = intake.run(stop.signal);
    },
    idle: async () => {
      for (;;) {
        const settled = once(changed, 'settled');
        const waiting = (await Promise.all((await projects.list()).map(({ name }) => deliveries.list(name, 2000)))).flat();
        if (waiting.every(({ result }) => result !== undefined)) return;
        await settled;
      }
    },
    begunCount: async (count) => {
      while (begun.length < count) await once(changed, 'begun');
    },
    tell: (events, state) => {
      states.set(state.run, state);
      for (const listener of listeners) listener(events, state);
    },
    close: async () => {
      stop.abort();
      await running;
      await app.close();
    },
  };
  return server;
};

export const boundTo = (kind: ForgeSite['kind'], repository: string): Pick<Project, 'forge'> & object => ({
  forge: { kind, url: 'https://api.forge.example', repository },
});

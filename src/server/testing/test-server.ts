import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { systemClock } from '../../lib/clock.ts';
import { cacheStore } from '../../local/cache-store.ts';
import { treeStore } from '../../local/tree-store.ts';
import { fsResults } from '../../results/fs/fs-results.ts';
import type { Results } from '../../results/results.ts';
import type { RunState } from '../../run/run-state.ts';
import { sealerOf } from '../../secrets/sealer.ts';
import type { Project } from '../../store/projects.ts';
import { defaultSettings } from '../../store/projects.ts';
import { makeApp } from '../app.ts';
import type { AppDeps } from '../app-deps.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import { fsOutputs } from '../outputs/fs-outputs.ts';
import { type TestGuard, testGuard } from './test-guard.ts';

/** A real server on a free port over real files. What a test does not give rejects when it is asked. */
export type TestServer = {
  readonly app: FastifyInstance;
  readonly url: string;
  readonly directory: string;
  readonly results: Results;
  readonly guard: TestGuard;
  /** `<worker> <item> <token>` of the leases that are held. */
  readonly leases: Set<string>;
  readonly states: Map<string, RunState>;
  readonly projects: Map<string, Project>;
  close(): Promise<void>;
};

export const testServer = async (given: Partial<AppDeps> = {}): Promise<TestServer> => {
  const directory = await mkdtemp(join(tmpdir(), 'cion http '));
  const guard = testGuard();
  const leases = new Set<string>();
  const states = new Map<string, RunState>();
  const projects = new Map<string, Project>();
  const results = given.results ?? fsResults({ root: join(directory, 'results') });
  const trees = treeStore(join(directory, 'trees'));
  const app = makeApp({
    dispatcher: { ...absentDispatcher, state: async (run) => states.get(run) },
    runs: { events: absent, list: absent, deployments: absent },
    queue: { list: absent },
    projects: { get: async (name) => projects.get(name), list: async () => [...projects.values()] },
    results,
    trees: {
      open: trees.open,
      keep: async (tar) => {
        let bytes = 0;
        tar.on('data', (chunk: Buffer) => (bytes += chunk.length)).pause();
        return { digest: await trees.put(tar), bytes };
      },
    },
    caches: ({ project }) => cacheStore(join(directory, 'caches', encodeURIComponent(project))),
    outputs: fsOutputs({ root: join(directory, 'outputs'), sealer: sealerOf([Buffer.alloc(32, 7)]) }),
    leases: { held: async ({ worker, item, token }) => leases.has(`${worker} ${item} ${token}`) },
    actorOf: guard.actorOf,
    guard,
    beginRun: absent,
    why: absent,
    health: async () => ({ database: true, workers: 0 }),
    plugins: [],
    clock: systemClock,
    ...given,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    app,
    url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`,
    directory,
    results,
    guard,
    leases,
    states,
    projects,
    close: async () => {
      await app.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
};

export const testProject = (name: string): Project => ({
  name,
  cloneUrl: `https://git.example/${name}.git`,
  defaultBranch: 'main',
  visibility: 'private',
  webhookSecret: '',
  settings: defaultSettings,
  createdAt: 0,
});

const absent = (): Promise<never> => Promise.reject(new Error('this test has none'));

const absentDispatcher: Dispatcher = {
  claim: absent,
  report: absent,
  create: absent,
  policyChanged: absent,
  state: absent,
  start: absent,
  watch: () => () => {},
};

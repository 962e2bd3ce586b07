import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workerClient } from '../../api/worker-client.ts';
import { systemClock } from '../../lib/clock.ts';
import { newRunId } from '../../lib/ids.ts';
import type { Plan } from '../../plan/plan.ts';
import type { RunEvent } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';
import { dockerRuntime } from '../../runtimes/docker/docker-runtime.ts';
import { connect } from '../../runtimes/docker/engine/connect.ts';
import { EngineError } from '../../runtimes/docker/engine/engine-error.ts';
import { findEndpoint } from '../../runtimes/docker/engine/endpoint.ts';
import { label, labelFilter } from '../../runtimes/docker/labels.ts';
import { registryLogins } from '../../runtimes/registry-logins.ts';
import type { AppDeps } from '../../server/app-deps.ts';
import type { LeaseCheck } from '../../server/lease-check.ts';
import { served } from '../../server/dispatch/testing/served.ts';
import { testServer } from '../../server/testing/test-server.ts';
import { testWorker } from './test-worker.ts';

/** A server with its dispatcher on a free port, and workers of this machine's Docker, each in a namespace of its own. */
export const dockerSite = async (
  more: { readonly runs?: Parameters<typeof served>[0]; readonly server?: (leases: LeaseCheck) => Partial<AppDeps> } = {},
) => {
  const engine = await connect(findEndpoint(process.env), AbortSignal.timeout(30_000));
  const runs = served({ clock: systemClock, newRunId, ...more.runs });
  await runs.start();
  const server = await testServer({
    ...more.server?.(runs.dispatcher),
    dispatcher: runs.dispatcher,
    runs: runs.store.runs,
    queue: runs.store.queue,
    leases: runs.dispatcher,
  });
  const directory = await mkdtemp(join(tmpdir(), 'cion-docker-worker-'));
  const closing: (() => Promise<void>)[] = [];
  const namespaces = new Set<string>();

  const newName = (): string => `w${randomBytes(5).toString('hex')}`;
  const namespaceOf = (name: string): string => {
    namespaces.add(`cion-test-${name}`);
    return `cion-test-${name}`;
  };
  const until = async (run: string, isThere: (state: RunState, events: readonly RunEvent[]) => boolean): Promise<RunState> => {
    const news = Promise.withResolvers<RunState>();
    const stop = runs.dispatcher.watch(run, (_events, state) => {
      void look(state);
    });
    const look = async (state: RunState | undefined): Promise<void> => {
      if (state !== undefined && isThere(state, await runs.events(run))) news.resolve(state);
    };
    await look(await runs.dispatcher.state(run));
    return news.promise.finally(stop);
  };

  return {
    engine,
    runs,
    server,
    newName,
    until,
    plan: (plan: Plan): Promise<string> => runs.plan(plan),
    ended: (run: string): Promise<RunState> => until(run, ({ phase }) => phase === 'finished'),
    /** A worker of this process. */
    worker: async (name = newName(), url = server.url) => {
      const fetched: string[] = [];
      const client = workerClient({ url, token: `worker:${name}` });
      const bytes: typeof client.bytes = (lease) => {
        const own = client.bytes(lease);
        const open = (digest: string) => {
          fetched.push(digest);
          return own.trees.open(digest);
        };
        return { ...own, trees: { ...own.trees, open } };
      };
      const logins = registryLogins();
      const runtime = dockerRuntime({ engine, namespace: namespaceOf(name), logins });
      const worker = await testWorker({ server: { api: client.api, bytes }, runtime, clock: systemClock, name, more: { logins } });
      closing.push(worker.close);
      return { ...worker, name, fetched };
    },
    /** One in a process of its own: `cion work`. */
    process: (name: string) => {
      const main = join(import.meta.dirname, '../../main.ts');
      const args = [main, 'work', '--server', server.url, '--name', name, '--state-dir', join(directory, name)];
      const env = { ...process.env, CION_WORKER_TOKEN: `worker:${name}`, CION_NAMESPACE: namespaceOf(name) };
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
      const exited = once(child, 'exit');
      let said = '';
      child.stderr.on('data', (text: Buffer) => {
        said += text.toString();
      });
      const kill = async (signal: NodeJS.Signals): Promise<void> => {
        child.kill(signal);
        await exited;
      };
      closing.push(async () => {
        if (child.exitCode === null && child.signalCode === null) await kill('SIGKILL');
      });
      return { child, exited, kill, said: () => said };
    },
    logOf: async (run: string, stage: string): Promise<string> => {
      const parts: Uint8Array[] = [];
      for await (const { bytes } of server.results.readLog(
        { run, stage },
        { from: 0, follow: false, signal: new AbortController().signal },
      ))
        parts.push(bytes);
      return Buffer.concat(parts).toString();
    },
    /** Resolves when the server has so much of the log. */
    logged: async (run: string, stage: string, bytes: number): Promise<void> => {
      const enough = new AbortController();
      let seen = 0;
      for await (const chunk of server.results.readLog({ run, stage }, { from: 0, follow: true, signal: enough.signal })) {
        seen += chunk.bytes.length;
        if (seen >= bytes) return;
      }
    },
    /** The stage's container, as the engine has it. */
    containers: (name: string, stage: string) =>
      engine.json<readonly { readonly Id: string; readonly State: string }[]>('GET', '/containers/json', {
        query: {
          all: true,
          filters: labelFilter({ [label.namespace]: `cion-test-${name}`, [label.stage]: stage, [label.role]: 'stage' }),
        },
      }),
    /** What the worker's engine has of it. */
    left: async (name: string): Promise<readonly string[]> => {
      const query = { all: true, filters: labelFilter({ [label.namespace]: `cion-test-${name}` }) };
      const of = (path: string) => engine.json<readonly { readonly Id: string }[]>('GET', path, { query });
      const [containers, networks, images] = [await of('/containers/json'), await of('/networks'), await of('/images/json')];
      const { Volumes } = await engine.json<{ readonly Volumes: readonly { readonly Name: string }[] | null }>('GET', '/volumes', {
        query,
      });
      return [...containers, ...networks, ...images].map(({ Id }) => Id).concat((Volumes ?? []).map(({ Name }) => Name));
    },
    removed: (container: string): Promise<void> =>
      engine
        .json('POST', `/containers/${container}/wait`, { query: { condition: 'removed' } })
        .then(() => undefined)
        .catch((error: unknown) => {
          if (!(error instanceof EngineError && error.status === 404)) throw error;
        }),
    close: async (): Promise<void> => {
      for (const close of closing) await close();
      for (const namespace of namespaces) {
        await dockerRuntime({ engine, namespace }).sweep({ kind: 'all', exceptRuns: [] }, AbortSignal.timeout(60_000));
      }
      runs.end();
      await server.close();
      await engine.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
};

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { execFile } from 'node:child_process';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { type Running, startCion } from './cli.ts';
import { askServer } from './ask-server.ts';
import { firstAdmin } from './first-admin.ts';
import { type GitProject, gitProject } from './git-project.ts';
import { directory, type Files } from './repository.ts';

const execute = promisify(execFile);

export type { GitProject };

export type ServerOptions = {
  /** Of `cion serve`, besides where its data lie and where it listens. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
};

export type Worker = {
  readonly name: string;
  /** Of what it makes on the engine. */
  readonly namespace: string;
  /** Asks it to end, and waits for that. */
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** The same one, once it is gone: another process on the same engine. */
  again(): Promise<Worker>;
};

export type ServerProcess = Awaited<ReturnType<typeof startServer>>;

/** `cion serve` in a process of its own, with an admin. */
export const startServer = async ({ args = [], env = {} }: ServerOptions = {}) => {
  const id = randomBytes(5).toString('hex');
  const undo: (() => void)[] = [];
  const scope = { after: (one) => void undo.push(one as () => void) } as Pick<TestContext, 'after'>;
  const cwd = directory(scope);
  const data = join(cwd, 'data');
  const namespaces = new Set([`e2e-server-${id}`]);
  const workers = new Set<Running>();

  const start = async (listen: string): Promise<Running> => {
    const process = startCion(['serve', '--data', data, '--listen', listen, '--allow-files', ...args], {
      cwd,
      env: { CION_NAMESPACE: `e2e-server-${id}`, ...env },
    });
    await process.wrote('cion serves at ');
    return process;
  };
  const end = async (process: Running, signal: NodeJS.Signals): Promise<void> => {
    process.process.kill(signal);
    const { code } = await process.ended;
    if (signal === 'SIGTERM') assert.equal(code, 0, process.said());
  };

  let server: Running | undefined;
  const close = async (): Promise<void> => {
    for (const worker of workers) await end(worker, 'SIGKILL');
    if (server !== undefined) await end(server, 'SIGKILL');
    for (const namespace of namespaces) await removeAll(namespace);
    for (const one of undo) one();
  };
  server = await start('127.0.0.1:0');
  await server.wrote('can become it: ');
  const [, url = ''] = /^cion serves at (\S+)$/m.exec(server.said()) ?? [];
  const token = await firstAdmin(url, server);

  const asking = askServer(url, token);

  return {
    ...asking,
    cwd,
    data,
    /** The server and its workers are gone, and nothing of them is on the engine. */
    close,
    /** What the server, since its last start, has written. */
    said: (): string => server?.said() ?? '',
    stop: async () => {
      if (server !== undefined) await end(server, 'SIGTERM');
      server = undefined;
    },
    kill: async () => {
      if (server !== undefined) await end(server, 'SIGKILL');
      server = undefined;
    },
    /** The same data at the same address. */
    start: async () => {
      server = await start(new URL(url).host);
    },
    /** `cion work` in a process of its own. */
    worker: async (more: readonly string[] = [], ofWorker: Readonly<Record<string, string>> = {}): Promise<Worker> => {
      const name = `w${randomBytes(4).toString('hex')}`;
      const namespace = `e2e-worker-${name}`;
      namespaces.add(namespace);
      const { token: own } = await asking.asked<{ readonly token: string }>('POST', '/api/workers/tokens', { name, worker: name });
      const begin = async (): Promise<Worker> => {
        const process = startCion(['work', '--server', url, '--name', name, '--state-dir', join(cwd, name), ...more], {
          cwd,
          env: { CION_WORKER_TOKEN: own, CION_NAMESPACE: namespace, ...ofWorker },
        });
        workers.add(process);
        await process.wrote('works for');
        const gone = (signal: NodeJS.Signals) => async () => {
          workers.delete(process);
          await end(process, signal);
        };
        return { name, namespace, stop: gone('SIGTERM'), kill: gone('SIGKILL'), again: begin };
      };
      return begin();
    },
    /** A bare repository whose hook is `cion trigger`, as docs/webhooks.md has it, and its project. */
    project: (name: string, files: Files): Promise<GitProject> => gitProject(scope, asking.asked, name, files),
  };
};

const removeAll = async (namespace: string): Promise<void> => {
  const ours = ['--filter', `label=cion.namespace=${namespace}`];
  for (const [list, remove] of [
    [
      ['ps', '--all', '--quiet', ...ours],
      ['rm', '--force', '--volumes'],
    ],
    [
      ['volume', 'ls', '--quiet', ...ours],
      ['volume', 'rm', '--force'],
    ],
    [
      ['network', 'ls', '--quiet', ...ours],
      ['network', 'rm'],
    ],
    [
      ['image', 'ls', '--quiet', ...ours],
      ['image', 'rm', '--force'],
    ],
  ] as const) {
    const found = (await execute('docker', list)).stdout.split('\n').filter((line) => line !== '');
    if (found.length > 0) await execute('docker', [...remove, ...new Set(found)]);
  }
};

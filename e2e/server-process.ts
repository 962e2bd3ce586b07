import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { execFile } from 'node:child_process';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type ApiClient, apiClient } from '../src/api/client.ts';
import { paths } from '../src/api/paths.ts';
import type { RunJson } from '../src/api/run-json.ts';
import type { RunEvent } from '../src/run/run-event.ts';
import { type Running, startCion } from './cli.ts';
import { commit, directory, type Files, git, repository } from './repository.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const execute = promisify(execFile);

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

export type GitProject = {
  readonly name: string;
  /** The bare repository. */
  readonly bare: string;
  /** A clone of it. */
  readonly work: string;
  readonly hook: { readonly url: string; readonly secret: string };
  /** Commits these files; gives the hash. */
  commit(files: Files, message?: string): string;
  /** Pushes branches and tags, and with that calls the hook. */
  push(...refs: readonly string[]): Promise<void>;
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
    await process.ended;
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
  const token = await firstAdmin(url, server.said());

  const { ask, asked } = asking(url, token);
  const client: ApiClient = apiClient({ url, token });

  /** The run's events from the first on, as they come, until one is as asked; rejects when the run's stream ends before. */
  const until = async (project: string, number: number, isThere: (event: RunEvent) => boolean): Promise<void> => {
    const enough = new AbortController();
    try {
      for await (const event of client.followEvents(project, number, 0, enough.signal)) if (isThere(event)) return;
    } finally {
      enough.abort();
    }
    throw new Error(`run ${number} of ${project} ended without it`);
  };

  return {
    url,
    token,
    cwd,
    data,
    client,
    /** The server and its workers are gone, and nothing of them is on the engine. */
    close,
    /** What the server, since its last start, has written. */
    said: (): string => server?.said() ?? '',
    ask,
    asked,
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
      const { token: own } = await asked<{ readonly token: string }>('POST', '/api/workers/tokens', { name, worker: name });
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
    project: async (name: string, files: Files): Promise<GitProject> => {
      const bare = directory(scope);
      git(bare, 'init', '--quiet', '--bare', '--initial-branch=main');
      const work = repository(scope, files);
      git(work, 'remote', 'add', 'origin', bare);
      const cloneUrl = `file://${encodeURI(bare)}`;
      const { hook } = await asked<{ readonly hook: GitProject['hook'] }>('POST', paths.projects, { forge: 'git', name, cloneUrl });
      writeFileSync(join(bare, 'hook-secret'), `${hook.secret}\n`, { mode: 0o600 });
      const script = join(bare, 'hooks', 'post-receive');
      const lines = ['CION_HOOK_SECRET_FILE=./hook-secret GL_USERNAME=ada', 'export CION_HOOK_SECRET_FILE GL_USERNAME'];
      writeFileSync(script, `#!/bin/sh\n${lines.join('\n')}\nexec '${process.execPath}' -- '${main}' trigger '${hook.url}'\n`);
      chmodSync(script, 0o755);
      return {
        name,
        bare,
        work,
        hook,
        commit: (changed, message) => commit(work, changed, message),
        push: async (...refs) => {
          await execute('git', ['push', '--quiet', 'origin', ...refs], { cwd: work });
        },
      };
    },
    until,
    /** The run when it has ended, for the `times`th time. */
    ended: async (project: string, number: number, times = 1): Promise<RunJson> => {
      let left = times;
      await until(project, number, ({ kind }) => kind === 'run.finished' && --left === 0);
      return client.run(project, number);
    },
    /** When what a hook has told of is a run; what there is before a run has no stream. */
    begun: async (project: string, number: number): Promise<void> => {
      while ((await ask('GET', paths.run(project, number))).status === 404) await sleep(50);
    },
    text: async (project: string, number: number, stage: string): Promise<string> => (await client.log(project, number, stage)).text(),
  };
};

/** Asks the API of a server as who has that token. */
export const asking = (url: string, token: string) => {
  const ask = async (method: string, path: string, body?: unknown): Promise<Response> =>
    fetch(new URL(path, url), {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const asked = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await ask(method, path, body);
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  };
  return { ask, asked };
};

/** Becomes the admin with the token that the server has printed, and makes a token with all rights. */
export const firstAdmin = async (url: string, said: string): Promise<string> => {
  const [setup] = /\bcion_setup_\S+/.exec(said) ?? [];
  const headers = { 'content-type': 'application/json', 'x-cion': '1', origin: url };
  const post = async (path: string, body: object, cookie = ''): Promise<Response> => {
    const answer = await fetch(new URL(path, url), { method: 'POST', headers: { ...headers, cookie }, body: JSON.stringify(body) });
    assert.equal(answer.status, 201, `${path}: ${await answer.clone().text()}`);
    return answer;
  };
  const admin = await post('/api/auth/setup', { token: setup, name: 'ada', password: 'correct horse battery staple' });
  const cookie = admin.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ');
  const scopes = ['read', 'run', 'decide', 'secrets', 'settings', 'admin'];
  const { token } = (await (await post('/api/auth/tokens', { name: 'e2e', scopes }, cookie)).json()) as { readonly token: string };
  return token;
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

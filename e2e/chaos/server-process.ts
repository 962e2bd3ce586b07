import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { apiClient } from '../../src/api/client.ts';
import { type Supervised, supervised } from './supervised.ts';

/** `cion serve` in a process of its own, at an address that it keeps over restarts. */
export type ServerProcess = Supervised & { readonly url: string };

export type ServerOptions = {
  /** It has a folder of its own in it. */
  readonly directory: string;
  readonly slots: number;
  /** Absent: the database inside. */
  readonly database?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly args?: readonly string[];
};

export const serverProcess = async ({ directory, slots, database, env, args = [] }: ServerOptions): Promise<ServerProcess> => {
  const port = await freePort();
  const keys = database === undefined ? {} : { CION_SERVER_KEY: Buffer.alloc(32, 7).toString('base64'), CION_DATABASE: database };
  const process = supervised({
    name: 'server',
    args: [
      'serve',
      '--data',
      join(directory, 'server'),
      '--listen',
      `127.0.0.1:${port}`,
      '--slots',
      String(slots),
      '--allow-files',
      ...args,
    ],
    env: { ...keys, ...env },
    cwd: directory,
    log: join(directory, 'server.log'),
  });
  return { ...process, url: `http://127.0.0.1:${port}` };
};

/** The first admin, who is also the tests' user. */
export type Admin = {
  readonly api: ReturnType<typeof apiClient>;
  readonly token: string;
  /** A repository on this machine becomes a project: the secret that its hook signs with. */
  connect(name: string, repository: string): Promise<{ readonly url: string; readonly secret: string }>;
  workerToken(worker: string): Promise<string>;
};

/** Of a server that has just been started for the first time. */
export const setUp = async (server: ServerProcess): Promise<Admin> => {
  const said = await server.wrote('can become it: ');
  const setup = /can become it: (\S+)/.exec(said)?.[1];
  const post = async (path: string, body: unknown, headers: Readonly<Record<string, string>>): Promise<Response> => {
    const answer = await fetch(new URL(path, server.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-cion': '1', ...headers },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  const begun = await post('/api/auth/setup', { token: setup, name: 'ada', password: 'a long enough password' }, {});
  const cookie = begun.headers
    .getSetCookie()
    .map((each) => each.split(';', 1)[0])
    .join('; ');
  const scopes = ['read', 'run', 'decide', 'settings', 'admin'];
  const { token } = (await (await post('/api/auth/tokens', { name: 'tests', scopes }, { cookie, origin: server.url })).json()) as {
    readonly token: string;
  };
  const authorization = { authorization: `Bearer ${token}` };
  return {
    token,
    api: apiClient({ url: server.url, token }),
    connect: async (name, repository) => {
      const project = { forge: 'git', name, cloneUrl: pathToFileURL(repository).href, defaultBranch: 'main' };
      const { hook } = (await (await post('/api/projects', project, authorization)).json()) as {
        readonly hook: { readonly secret: string };
      };
      return { url: `${server.url}/hooks/git/${name}`, secret: hook.secret };
    },
    workerToken: async (worker) => {
      const made = await post('/api/workers/tokens', { name: worker, worker }, authorization);
      return ((await made.json()) as { readonly token: string }).token;
    },
  };
};

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

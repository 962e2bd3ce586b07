import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { apiClient } from '../src/api/client.ts';
import { paths } from '../src/api/paths.ts';
import { freePort } from '../src/runtimes/docker/testing/free-port.ts';
import { askServer } from './ask-server.ts';
import { firstAdmin } from './first-admin.ts';
import { type Supervised, supervised } from './supervised.ts';

/** `cion serve` that is started again when it dies, at an address that it keeps. */
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
  const token = await firstAdmin(server.url, { said: () => said });
  const { asked } = askServer(server.url, token);
  return {
    token,
    api: apiClient({ url: server.url, token }),
    connect: async (name, repository) => {
      const project = { forge: 'git', name, cloneUrl: pathToFileURL(repository).href, defaultBranch: 'main' };
      const { hook } = await asked<{ readonly hook: { readonly secret: string } }>('POST', paths.projects, project);
      return { url: `${server.url}/hooks/git/${name}`, secret: hook.secret };
    },
    workerToken: async (worker) => (await asked<{ readonly token: string }>('POST', paths.workerTokens, { name: worker, worker })).token,
  };
};

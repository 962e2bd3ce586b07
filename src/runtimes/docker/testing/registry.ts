import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from './free-port.ts';
import { programPath } from './program-path.ts';

/** Why there can be no registry on this machine; `undefined` when there can. */
export const whyNoRegistry = (): string | undefined =>
  programPath('docker-registry') === undefined ? 'docker-registry not installed' : undefined;

export type Registry = {
  readonly host: string;
  readonly user: string;
  readonly password: string /** Where its files are. */;
  readonly data: string;
};

const login = { user: 'ci', password: 'p:w ü/+' };
const passwords = 'ci:$2b$04$i5onHH11ma.Ku9UFhCgAJOA9v52ose0vZUoA5ZZBfLG0kKRfDvuUC\n';

/** `token`: it takes the tokens of a server, as its configuration says of it. `host`: where it listens. */
type RegistryOptions = { readonly login: boolean; readonly host?: string; readonly token?: Readonly<Record<string, string>> };

/** Runs `use` with a registry on a port of the loopback, empty and, with `login`, open only to its one user. */
export const withRegistry = async <T>(options: RegistryOptions, use: (registry: Registry) => Promise<T>): Promise<T> => {
  const directory = await mkdtemp(join(tmpdir(), 'cion-registry-'));
  const host = options.host ?? `127.0.0.1:${await freePort()}`;
  await writeFile(join(directory, 'htpasswd'), passwords);
  const config = {
    version: '0.1',
    storage: { filesystem: { rootdirectory: join(directory, 'data') } },
    http: { addr: host },
    ...(options.token === undefined ? {} : { auth: { token: options.token } }),
    ...(options.login ? { auth: { htpasswd: { realm: 'test', path: join(directory, 'htpasswd') } } } : {}),
  };
  // JSON is YAML.
  await writeFile(join(directory, 'config.yml'), JSON.stringify(config));
  const server = spawn('docker-registry', ['serve', join(directory, 'config.yml')], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(server, 'close');
  try {
    await new Promise<void>((resolve, reject) => {
      const log: string[] = [];
      createInterface({ input: server.stderr })
        .on('line', (line) => {
          log.push(line);
          if (line.includes('listening on')) resolve();
        })
        .on('close', () => reject(new Error(`the registry did not start:\n${log.join('\n')}`)));
    });
    return await use({ host, ...login, data: join(directory, 'data') });
  } finally {
    server.kill();
    await ended;
    await rm(directory, { recursive: true });
  }
};

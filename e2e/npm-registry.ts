import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { freePort } from '../src/runtimes/docker/testing/free-port.ts';
import { toolsFolder } from './tools.ts';

export type NpmRegistry = {
  readonly url: string;
  /** Of a user who may publish; nobody else may. */
  readonly token: string;
};

type Options = {
  /** Where it listens: an address that containers reach. */
  readonly address: string;
  /** A request goes on to the registry only when this is through. */
  readonly before?: (request: http.IncomingMessage) => Promise<void>;
};

/** Runs `use` with an npm registry (verdaccio) of its own, empty and without another behind it. */
export const withNpmRegistry = async <T>({ address, before }: Options, use: (registry: NpmRegistry) => Promise<T>): Promise<T> => {
  const folder = mkdtempSync(join(tmpdir(), 'cion-npm-registry-'));
  const port = await freePort();
  writeFileSync(join(folder, 'config.yaml'), JSON.stringify(config(folder)));
  const program = join(await toolsFolder(), 'verdaccio', 'bin', 'verdaccio');
  const registry = fork(program, ['--config', join(folder, 'config.yaml'), '--listen', `127.0.0.1:${port}`], { stdio: 'ignore' });
  const front = http.createServer((request, response) => void forward(request, response, port, before));
  try {
    await started(registry);
    await new Promise<void>((resolve) => front.listen(0, address, resolve));
    const at = front.address();
    const url = `http://${address}:${at !== null && typeof at === 'object' ? at.port : 0}/`;
    return await use({ url, token: await tokenOf(url) });
  } finally {
    front.close();
    front.closeAllConnections();
    if (registry.exitCode === null && registry.signalCode === null) {
      const ended = once(registry, 'exit');
      registry.kill();
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  }
};

/** A package as npm packs it. */
export const packed = async (files: Readonly<Record<string, string>>): Promise<Buffer> => {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name: `package/${name}` }, content);
  tar.finalize();
  return gzipSync(await buffer(tar));
};

export const publishTo = async (url: string, token: string, name: string, version: string, tarball: Buffer): Promise<void> => {
  const file = `${name}-${version}.tgz`;
  const dist = { tarball: `${url}${name}/-/${file}`, integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}` };
  const answer = await fetch(`${url}${name}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({
      _id: name,
      name,
      'dist-tags': { latest: version },
      versions: { [version]: { name, version, dist } },
      _attachments: { [file]: { content_type: 'application/octet-stream', data: tarball.toString('base64'), length: tarball.length } },
    }),
  });
  if (!answer.ok) throw new Error(`the registry does not take ${name}: ${answer.status}`);
};

/** JSON is YAML. */
const config = (folder: string) => ({
  storage: join(folder, 'storage'),
  auth: { htpasswd: { file: join(folder, 'users'), algorithm: 'sha1' } },
  packages: { '**': { access: '$all', publish: '$authenticated' } },
  log: { type: 'stdout', level: 'fatal' },
  web: { enable: false },
});

const started = (registry: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    registry.once('message', () => resolve());
    registry.once('exit', (code) => reject(new Error(`verdaccio ended with ${code}`)));
  });

const forward = async (
  request: http.IncomingMessage,
  response: http.ServerResponse,
  port: number,
  before: Options['before'],
): Promise<void> => {
  try {
    await before?.(request);
    const { method, url, headers } = request;
    const onward = http.request({ host: '127.0.0.1', port, method, path: url, headers });
    request.pipe(onward);
    const [answer] = (await once(onward, 'response')) as [http.IncomingMessage];
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(response);
  } catch (error) {
    response.destroy(error instanceof Error ? error : undefined);
  }
};

const tokenOf = async (url: string): Promise<string> => {
  const body = JSON.stringify({ name: 'ci', password: 'of-the-registry' });
  const answer = await fetch(`${url}-/user/org.couchdb.user:ci`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body });
  const { token } = (await answer.json()) as { readonly token?: string };
  if (token === undefined) throw new Error(`the registry gives no token: ${answer.status}`);
  return token;
};

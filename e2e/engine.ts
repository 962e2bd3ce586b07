import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { engineAt } from '../scripts/setup/engine-api.mjs';
import { endpointName, findEndpoint } from '../src/runtimes/docker/engine/endpoint.ts';

/** What a test, or a file of tests, undoes when it is over. */
export type After = { readonly after: (undo: () => Promise<void>) => void };

const endpoint = findEndpoint(process.env);
const engine = engineAt(endpointName(endpoint));

/** Where the engine's socket lies, when it is one of this machine. */
export const engineSocket: string | undefined = endpoint.kind === 'unix' ? endpoint.path : undefined;

const requested = async (method: string, path: string, options: Parameters<typeof engine.request>[2] = {}): Promise<string> => {
  const { status, text } = await engine.request(method, path, { silentMs: 150_000, ...options });
  assert.ok(status < 300, `${method} ${path}: ${status} ${text}`);
  return text;
};

const json = (body: object) => ({ type: 'application/json', body: Buffer.from(JSON.stringify(body)) });

/** An archive of these entries of a folder, all of them root's. */
export const archiveOf = (folder: string, entries: readonly string[] = ['.']): Buffer => {
  const { status, stdout, stderr } = spawnSync('tar', ['-C', folder, '--owner=0', '--group=0', '--numeric-owner', '-c', ...entries], {
    maxBuffer: 2 ** 30,
  });
  assert.equal(status, 0, stderr.toString());
  return stdout;
};

export const removeImage = async (image: string): Promise<void> => void (await engine.request('DELETE', `/images/${image}?force=1`));

/** An image of exactly what the archive has; gone after the test. */
export const importImage = async (t: After, name: string, archive: Buffer, changes: readonly string[] = []): Promise<string> => {
  const query = new URLSearchParams({ fromSrc: '-', repo: name, tag: '1' });
  for (const change of changes) query.append('changes', change);
  t.after(() => removeImage(`${name}:1`));
  await requested('POST', `/images/create?${query.toString()}`, { body: archive });
  return `${name}:1`;
};

export type Build = { readonly args?: Readonly<Record<string, string>>; readonly network?: string };

/** An image built from an archive with a Dockerfile; gone after the test. */
export const buildImage = async (t: After, name: string, context: Buffer, { args = {}, network }: Build = {}): Promise<string> => {
  const query = new URLSearchParams({
    t: `${name}:1`,
    buildargs: JSON.stringify(args),
    forcerm: '1',
    ...(network && { networkmode: network }),
  });
  t.after(() => removeImage(`${name}:1`));
  const said = await requested('POST', `/build?${query.toString()}`, { body: context });
  assert.doesNotMatch(said, /"errorDetail"/, said.slice(-4000));
  return `${name}:1`;
};

export type Container = {
  readonly image: string;
  readonly command: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly env?: readonly string[];
  readonly user?: string;
  readonly workdir?: string;
  readonly binds?: readonly string[];
  readonly groups?: readonly string[];
  readonly network?: string;
};

/** Runs a container to its end; `output` is what a terminal would have shown. */
export const runContainer = async (container: Container): Promise<{ readonly code: number; readonly output: string }> => {
  const { image, command, entrypoint, env = [], user = '', workdir = '', binds = [], groups = [], network = 'bridge' } = container;
  const config = {
    Image: image,
    Cmd: command,
    ...(entrypoint && { Entrypoint: entrypoint }),
    Env: ['NO_COLOR=1', ...env],
    User: user,
    WorkingDir: workdir,
    Tty: true,
    HostConfig: { Binds: binds, GroupAdd: groups, NetworkMode: network, Init: true },
  };
  const { Id } = JSON.parse(await requested('POST', '/containers/create', json(config))) as { readonly Id: string };
  try {
    await requested('POST', `/containers/${Id}/start`);
    const { StatusCode } = JSON.parse(await requested('POST', `/containers/${Id}/wait`)) as { readonly StatusCode: number };
    const output = await requested('GET', `/containers/${Id}/logs?stdout=1&stderr=1`);
    return { code: StatusCode, output: output.replaceAll('\r\n', '\n') };
  } finally {
    await engine.request('DELETE', `/containers/${Id}?force=1&v=1`);
  }
};

/** The engine's own words about an object, e.g. `/images/x:1/json`. */
export const inspect = <T>(path: string): Promise<T> => requested('GET', path).then((text) => JSON.parse(text) as T);

/** All that the engine answers about something; empty when that is gone. */
export const recordOf = async (path: string): Promise<string> => {
  const { status, text } = await engine.request('GET', path);
  return status < 300 ? text : '';
};

/** The address of this machine that containers reach; `undefined` when the engine is elsewhere. */
export const addressForContainers = async (): Promise<string | undefined> => {
  type Network = { readonly IPAM: { readonly Config: readonly { readonly Gateway?: string }[] } };
  const { status, text } = await engine.request('GET', '/networks/bridge');
  if (status !== 200) return undefined;
  const gateway = (JSON.parse(text) as Network).IPAM.Config[0]?.Gateway;
  return gateway !== undefined && (await isOurs(gateway)) ? gateway : undefined;
};

/** Asked by listening: the list of interfaces leaves out a bridge that has no container at the moment. */
const isOurs = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
      .once('error', () => resolve(false))
      .listen(0, address, () => server.close(() => resolve(true)));
  });

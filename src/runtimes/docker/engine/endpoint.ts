import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { assertNever } from '../../../lib/assert-never.ts';
import {
  configDirectory,
  DockerConfigError,
  type Environment,
  type Files,
  machineFiles,
  parseObject,
  readDockerConfig,
  record,
  textIn,
} from './docker-config.ts';
import { type Address, parseHost } from './host-url.ts';

/** Where an engine is. */
export type Endpoint =
  | { readonly kind: 'unix'; readonly path: string }
  /** `basePath` stands before the paths of the API: empty, or with a slash at its beginning and none at its end. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly basePath: string; readonly tls?: Tls }
  /** `path` is that of the socket on the other machine; absent: what `docker` takes there by itself. */
  | { readonly kind: 'ssh'; readonly host: string; readonly user?: string; readonly port?: number; readonly path?: string };

/** PEM texts. Without `ca` the system's authorities count; `verify: false` takes any certificate. */
export type Tls = { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly verify: boolean };

/** For people and for DOCKER_HOST; without anything secret. */
export const endpointName = (endpoint: Endpoint): string => {
  switch (endpoint.kind) {
    case 'unix':
      return `unix://${endpoint.path}`;
    case 'tcp':
      return `tcp://${authority(endpoint.host, endpoint.port)}${endpoint.basePath}`;
    case 'ssh': {
      const { host, user, port, path } = endpoint;
      return `ssh://${user === undefined ? '' : `${user}@`}${authority(host, port)}${path ?? ''}`;
    }
    default:
      return assertNever(endpoint);
  }
};

export const authority = (host: string, port: number | undefined): string => {
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return port === undefined ? bracketed : `${bracketed}:${port}`;
};

/**
 * Finds the engine as the docker command does: `host` (an option of ours), DOCKER_HOST, DOCKER_CONTEXT or the current context of the
 * configuration, the system's socket, the user's own (rootless) one. Throws a DockerConfigError for what cannot be understood.
 */
export const findEndpoint = (env: Environment, options: { readonly host?: string; readonly files?: Files } = {}): Endpoint => {
  const files = options.files ?? machineFiles;
  if (options.host) return withTlsOf(env, files, parseHost(options.host, 'the engine'));
  if (env.DOCKER_HOST) return withTlsOf(env, files, parseHost(env.DOCKER_HOST, 'DOCKER_HOST'));
  const context = env.DOCKER_CONTEXT || readDockerConfig(env, files).currentContext;
  if (context !== undefined && context !== 'default') return endpointOfContext(context, env, files);
  const own = env.XDG_RUNTIME_DIR ? join(env.XDG_RUNTIME_DIR, 'docker.sock') : undefined;
  const path = own !== undefined && !files.exists(systemSocket) && files.exists(own) ? own : systemSocket;
  return { kind: 'unix', path };
};

const systemSocket = '/var/run/docker.sock';

const withTlsOf = (env: Environment, files: Files, address: Address): Endpoint => {
  if (address.kind !== 'tcp') return address;
  const { secure, port, ...tcp } = address;
  const verify = Boolean(env.DOCKER_TLS_VERIFY);
  if (!verify && !env.DOCKER_TLS && !secure) return { ...tcp, port: port ?? plainPort };
  const directory = env.DOCKER_CERT_PATH || configDirectory(env, files);
  const pem = readPem(directory, files);
  if (env.DOCKER_CERT_PATH && pem.ca === undefined && pem.cert === undefined) {
    throw new DockerConfigError(`DOCKER_CERT_PATH is ${directory}, and there is neither ca.pem nor cert.pem in it`);
  }
  return { ...tcp, port: port ?? tlsPort, tls: { ...pem, verify: verify || !env.DOCKER_TLS } };
};

const endpointOfContext = (name: string, env: Environment, files: Files): Endpoint => {
  const contexts = join(configDirectory(env, files), 'contexts');
  const id = createHash('sha256').update(name).digest('hex');
  const path = join(contexts, 'meta', id, 'meta.json');
  const text = files.read(path);
  if (text === undefined) throw new DockerConfigError(`there is no Docker context ${JSON.stringify(name)} (no file ${path})`);
  const docker = record(record(parseObject(text, path).Endpoints).docker);
  const address = parseHost(textIn(docker.Host) ?? `unix://${systemSocket}`, `the Docker context ${JSON.stringify(name)}`);
  if (address.kind !== 'tcp') return address;
  const { secure, port, ...tcp } = address;
  const pem = readPem(join(contexts, 'tls', id, 'docker'), files);
  const verify = docker.SkipTLSVerify !== true;
  const plain = verify && !secure && pem.ca === undefined && pem.cert === undefined;
  return plain ? { ...tcp, port: port ?? plainPort } : { ...tcp, port: port ?? tlsPort, tls: { ...pem, verify } };
};

const plainPort = 2375;
const tlsPort = 2376;

const readPem = (directory: string, files: Files): Omit<Tls, 'verify'> => {
  const [ca, cert, key] = ['ca.pem', 'cert.pem', 'key.pem'].map((file) => files.read(join(directory, file)));
  if ((cert === undefined) !== (key === undefined)) {
    throw new DockerConfigError(`of cert.pem and key.pem only one is in ${directory}; a client certificate takes both`);
  }
  return { ...(ca === undefined ? {} : { ca }), ...(cert === undefined || key === undefined ? {} : { cert, key }) };
};

import type { AuthConfig } from '@docker/node-sdk';
import { execa } from 'execa';
import {
  DockerConfigError,
  type Environment,
  type Files,
  machineFiles,
  parseObject,
  type RegistryLogin,
  readDockerConfig,
  textIn,
} from './docker-config.ts';
import { dockerHub, type ImageReference } from '../../../plan/image-reference.ts';

/**
 * The value of X-Registry-Auth for pulls and pushes of this image, as `docker login` has left it: in the configuration itself, or with
 * a credential helper; `undefined` when there is none. It is a secret. Throws a DockerConfigError, which says nothing of it.
 */
export const registryAuth = async (
  image: ImageReference,
  env: Environment,
  options: { readonly signal: AbortSignal; readonly files?: Files },
): Promise<string | undefined> => {
  const login = await loginOf(image.registry, env, options);
  return login === undefined ? undefined : encode(login);
};

const loginOf = async (
  registry: string,
  env: Environment,
  options: { readonly signal: AbortSignal; readonly files?: Files },
): Promise<Login | undefined> => {
  const { auths, credHelpers, credsStore } = readDockerConfig(env, options.files ?? machineFiles);
  const helper = lookUp(credHelpers, registry) ?? credsStore;
  const login = helper === undefined ? undefined : await askHelper(helper, serverOf(registry), env, options.signal);
  if (login !== undefined) return login;
  const stored = lookUp(auths, registry);
  return stored === undefined ? undefined : loginIn(stored, registry);
};

/**
 * The value of X-Registry-Config for builds: all logins that there are, as a build may need any of them. It is a secret. One that cannot be
 * read is left out: it may be none that the build needs.
 */
export const registryConfig = async (
  env: Environment,
  options: { readonly signal: AbortSignal; readonly files?: Files },
): Promise<string> => {
  const { auths, credHelpers } = readDockerConfig(env, options.files ?? machineFiles);
  const registries = [...new Set([...auths.keys(), ...credHelpers.keys()].map(registryOf))];
  const logins = await Promise.all(
    registries.map(async (registry) => {
      const login = await loginOf(registry, env, options).catch((error: unknown) => {
        if (error instanceof DockerConfigError) return undefined;
        throw error;
      });
      return login === undefined ? [] : [[serverOf(registry), login] as const];
    }),
  );
  return encode(Object.fromEntries(logins.flat()));
};

export type Login = Pick<AuthConfig, 'username' | 'password' | 'serveraddress'> & {
  readonly identitytoken?: string;
  readonly registrytoken?: string;
};

const hubServer = 'https://index.docker.io/v1/';

export const serverOf = (registry: string): string => (registry === dockerHub ? hubServer : registry);

/** Keys are host names or, of old, addresses. */
const lookUp = <T>(entries: ReadonlyMap<string, T>, registry: string): T | undefined => {
  const exact = entries.get(serverOf(registry));
  if (exact !== undefined) return exact;
  return [...entries].find(([key]) => registryOf(key) === registry)?.[1];
};

const registryOf = (key: string): string => {
  const host = key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? dockerHub : host;
};

const askHelper = async (helper: string, server: string, env: Environment, signal: AbortSignal): Promise<Login | undefined> => {
  const program = `docker-credential-${helper}`;
  if (!/^[\w.-]+$/.test(helper)) throw new DockerConfigError(`${JSON.stringify(helper)} is no name of a credential helper`);
  signal.throwIfAborted();
  const { exitCode, stdout, code } = await execa(program, ['get'], {
    input: server,
    env,
    extendEnv: false,
    cancelSignal: signal,
    reject: false,
    stripFinalNewline: true,
  });
  signal.throwIfAborted();
  if (code === 'ENOENT') throw new DockerConfigError(`the credential helper ${program} is not installed`);
  if (exitCode !== 0) {
    if (/credentials not found/i.test(stdout)) return undefined;
    throw new DockerConfigError(`the credential helper ${program} failed for ${server}`);
  }
  const answer = parseObject(stdout, `the answer of ${program}`);
  const [username, secret] = [textIn(answer.Username), textIn(answer.Secret)];
  if (secret === undefined) return undefined;
  return username === '<token>' || username === undefined
    ? { identitytoken: secret, serveraddress: server }
    : { username, password: secret, serveraddress: server };
};

const loginIn = ({ auth, identityToken, registryToken }: RegistryLogin, registry: string): Login | undefined => {
  const serveraddress = serverOf(registry);
  if (registryToken !== undefined) return { registrytoken: registryToken, serveraddress };
  if (identityToken !== undefined) return { identitytoken: identityToken, serveraddress };
  if (auth === undefined) return undefined;
  const plain = Buffer.from(auth, 'base64').toString();
  const colon = plain.indexOf(':');
  if (colon < 0) throw new DockerConfigError(`what the Docker configuration has for ${registry} is no user and password`);
  return { username: plain.slice(0, colon), password: plain.slice(colon + 1).replace(/\0+$/, ''), serveraddress };
};

/** Engines insist on the padding, which Node's own base64url leaves out. */
const encode = (given: object): string => Buffer.from(JSON.stringify(given)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');

/** As X-Registry-Auth takes it; a secret. */
export const encodedLogin = (login: Login): string => encode(login);

/** As X-Registry-Config takes them, by registry; a secret. */
export const encodedLogins = (logins: Readonly<Record<string, object>>): string => encode(logins);

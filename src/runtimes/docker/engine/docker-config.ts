import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The user's Docker configuration, or what the environment says in its place, cannot be used. */
export class DockerConfigError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DockerConfigError';
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** The little that is read of this machine's files. */
export type Files = {
  readonly home: string;
  /** `undefined` when there is no such file; throws when it cannot be read. */
  read(path: string): string | undefined;
  exists(path: string): boolean;
};

export const machineFiles: Files = {
  home: homedir(),
  read: (path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw new DockerConfigError(`${path} cannot be read`, { cause: error });
    }
  },
  exists: (path) => statSync(path, { throwIfNoEntry: false }) !== undefined,
};

/** What of config.json counts here; an empty text is none. */
export type DockerConfig = {
  readonly currentContext: string | undefined;
  readonly credsStore: string | undefined;
  readonly credHelpers: ReadonlyMap<string, string>;
  readonly auths: ReadonlyMap<string, RegistryLogin>;
};

export type RegistryLogin = {
  readonly auth: string | undefined;
  readonly identityToken: string | undefined;
  readonly registryToken: string | undefined;
};

export const configDirectory = (env: Environment, files: Files): string => env.DOCKER_CONFIG || join(files.home, '.docker');

export const readDockerConfig = (env: Environment, files: Files): DockerConfig => {
  const path = join(configDirectory(env, files), 'config.json');
  const text = files.read(path);
  const config = text === undefined || text.trim() === '' ? {} : parseObject(text, path);
  return {
    currentContext: textIn(config.currentContext),
    credsStore: textIn(config.credsStore),
    credHelpers: new Map(Object.entries(record(config.credHelpers)).map(([registry, helper]) => [registry, textIn(helper) ?? ''])),
    auths: new Map(Object.entries(record(config.auths)).map(([registry, login]) => [registry, loginIn(record(login))])),
  };
};

const loginIn = ({ auth, identitytoken, registrytoken }: Readonly<Record<string, unknown>>): RegistryLogin => ({
  auth: textIn(auth),
  identityToken: textIn(identitytoken),
  registryToken: textIn(registrytoken),
});

/** Says nothing of the content: it may be secret. */
export const parseObject = (text: string, path: string): Readonly<Record<string, unknown>> => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new DockerConfigError(`${path} is not valid JSON`);
  }
  if (!isRecord(value)) throw new DockerConfigError(`${path} is no JSON object`);
  return value;
};

export const record = (value: unknown): Readonly<Record<string, unknown>> => (isRecord(value) ? value : {});

export const textIn = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

import { randomBytes } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { homedir, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { inProcessAgent } from '../../api/in-process-agent.ts';
import { workerClient } from '../../api/worker-client.ts';
import { systemClock } from '../../lib/clock.ts';
import { sealerOf } from '../../secrets/sealer.ts';
import { serverKeys } from '../../secrets/server-keys.ts';
import { dockerHub, parseImageReference } from '../../plan/image-reference.ts';
import { type RegistryKey, RegistryKeyError, registryKey } from '../../server/registry/registry-key.ts';
import { metricsServer } from '../../server/observe/metrics-server.ts';
import { traceEndpoint } from '../../server/observe/send-traces.ts';
import { newBearer } from '../../server/auth/bearer.ts';
import { defaultGithubScopes } from '../../server/auth/github-login.ts';
import type { DatabasePlace } from '../../store/sql/database.ts';
import { runWorker } from '../../worker/run-worker.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { imagePolicy, type PolicyOptions } from '../asked-policy.ts';

import { Refusal } from '../refusal.ts';
import { write } from '../write.ts';
import type { ResultsOptions } from './open-mirror.ts';
import { openRuntime, type RuntimeOptions } from './open-runtime.ts';
import { forgeSites, openServer, type ServerParts } from './open-server.ts';
import { openState } from './server-state.ts';
import { openStorage } from './server-storage.ts';
import { stepByOf } from './step-by.ts';
import type { StepOptions } from './open-steps.ts';

export type ServeOptions = RuntimeOptions &
  ResultsOptions &
  PolicyOptions &
  StepOptions & {
    readonly data?: string;
    readonly listen: string;
    readonly url?: string;
    readonly database?: string;
    readonly keyFile?: string;
    /** Of the worker inside; 0: none. */
    readonly slots: number;
    readonly label?: readonly string[];
    readonly knownHosts?: string;
    readonly allowFiles?: true;
    readonly githubUrl: string;
    readonly githubApi: string;
    readonly githubJoin: 'known' | 'everybody';
    readonly gitlabApi?: string;
    readonly giteaApi?: string;
    readonly allowAddress?: readonly string[];
    readonly metrics?: string;
    readonly mailFrom?: string;
    readonly registry?: string;
    readonly registryKey?: string;
  };

/** Runs a server until a signal ends it: what its own worker had let go is left running, and taken up by the next start. */
export const serve = async (context: Context, options: ServeOptions): Promise<ExitCode> => {
  const { stdout, stderr } = context;
  const warn = (text: string): void => void stderr.write(`cion: ${text}\n`);
  const stop = stopOf();
  const directory = await dataDirectory(context, options);
  const listen = listenAddress(options.listen);
  const place: DatabasePlace =
    options.database === undefined
      ? { kind: 'embedded', directory: join(directory, 'database') }
      : { kind: 'postgres', url: options.database };
  const keys = await keysOf(context, options, directory, warn);
  const state = await openState(place, systemClock, stop.signal, () => warn('another server has the database: waiting until it is gone'));
  const storage = await openStorage(context, directory, options);
  try {
    const policy = await imagePolicy(context, options);
    const embedded = { token: newBearer('worker'), worker: `${hostname()}-server` };
    const parts: Omit<ServerParts, 'publicUrl'> = {
      state,
      storage,
      sealer: sealerOf(keys),
      clock: systemClock,
      directory,
      policy,
      stepBy: (signal, note) =>
        stepByOf(context, { root: directory, stateDir: directory }, { ...options, production: policy.production }, signal, note),
      ...githubOf(context, options),
      sites: forgeSites({
        github: options.githubApi,
        ...(options.gitlabApi === undefined ? {} : { gitlab: options.gitlabApi }),
        ...(options.giteaApi === undefined ? {} : { gitea: options.giteaApi }),
      }),
      ...(options.knownHosts === undefined ? {} : { knownHosts: await readFile(resolve(context.cwd, options.knownHosts), 'utf8') }),
      allowFiles: options.allowFiles === true,
      allowAddresses: options.allowAddress ?? [],
      ...mailOf(context, options),
      ...(await registryOf(context, options)),
      ...tracesOf(context),
      embedded,
      log: { write: (line) => void stderr.write(line) },
      warn,
    };
    const publicUrl = (options.url ?? `http://${listen.host}:${listen.port}`).replace(/\/+$/, '');
    const server = await openServer({ ...parts, publicUrl });
    await server.app.listen(listen);
    const { port } = server.app.server.address() as AddressInfo;
    await write(stdout, `cion serves at ${options.url ?? `http://${listen.host}:${port}`}\n`);
    if (server.setup.token !== undefined) {
      await write(stdout, `There is no admin yet. Whoever has this token can become it: ${server.setup.token}\n`);
    }
    const metrics = options.metrics === undefined ? undefined : await metricsServer(server.metrics, metricsPlace(context, options.metrics));
    const working =
      options.slots === 0 ? undefined : work(context, options, { directory, embedded, server: server.app.server, stop: stop.signal });
    const ended = AbortSignal.any([stop.signal, state.replaced]);
    await Promise.all([server.start(ended), working, untilAborted(ended)]);
    if (state.replaced.aborted) warn('another server has taken over the database: this one ends');
    await metrics?.close();
    await server.app.close();
    return state.replaced.aborted ? exitCodes.errored : exitCodes.passed;
  } finally {
    stop.off();
    await storage.close();
    await state.close();
  }
};

type Inside = {
  readonly directory: string;
  readonly embedded: ServerParts['embedded'];
  readonly server: Parameters<typeof inProcessAgent>[0];
  readonly stop: AbortSignal;
};

/** The worker inside: as any other, but without a network between. */
const work = async (context: Context, options: ServeOptions, { directory, embedded, server, stop }: Inside): Promise<void> => {
  const agent = inProcessAgent(server);
  const namespace = context.env.CION_NAMESPACE || `server-${embedded.worker}`;
  const { runtime, logins, close } = await openRuntime(options, { ...context, env: { ...context.env, CION_NAMESPACE: namespace } }, stop);
  try {
    await runWorker(
      {
        ...workerClient({ url: 'http://server.internal', token: embedded.token, agent }),
        runtime,
        logins,
        clock: systemClock,
        random: Math.random,
        name: embedded.worker,
        labels: options.label ?? [],
        slots: options.slots,
        stateDir: join(directory, 'worker'),
        log: (line) => void context.stderr.write(`cion: worker: ${line}\n`),
      },
      { drain: stop, leave: stop },
    );
  } finally {
    agent.destroy();
    await close();
  }
};

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((settled) => {
    if (signal.aborted) settled();
    else signal.addEventListener('abort', () => settled(), { once: true });
  });

const stopOf = () => {
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  return {
    signal: stop.signal,
    off: () => {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
};

const dataDirectory = async ({ cwd, env }: Context, { data }: ServeOptions): Promise<string> => {
  const state = env.CION_STATE_HOME || join(env.XDG_STATE_HOME || join(env.HOME || homedir(), '.local', 'state'), 'cion');
  const directory = data === undefined ? join(state, 'server') : resolve(cwd, data);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return directory;
};

const listenAddress = (text: string): { readonly host: string; readonly port: number } => {
  const match = /^(?:(?:\[([0-9a-f:]+)\]|([^:[\]]+)):)?(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535)
    throw new Refusal('USAGE', `${JSON.stringify(text)} is no address to listen at.`, 'Write HOST:PORT.');
  return { host: match[1] ?? match[2] ?? '127.0.0.1', port };
};

/** The embedded database gets a key of its own when it is made; another is given one by who runs the server. */
const keysOf = async ({ cwd, env }: Context, options: ServeOptions, directory: string, warn: (text: string) => void) => {
  const given = options.keyFile === undefined ? undefined : resolve(cwd, options.keyFile);
  if (given !== undefined || env.CION_SERVER_KEY || options.database !== undefined) {
    return serverKeys({ ...(given && { file: given }), ...(env.CION_SERVER_KEY && { text: env.CION_SERVER_KEY }) });
  }
  const file = join(directory, 'server.key');
  const isNew = (await stat(join(directory, 'database')).catch(() => undefined)) === undefined;
  if (isNew && (await stat(file).catch(() => undefined)) === undefined) {
    await writeFile(file, `${randomBytes(32).toString('base64')}\n`, { flag: 'wx', mode: 0o600 });
    warn(`made the key ${file}: keep a copy elsewhere, without it no secret can be read again`);
  }
  return serverKeys({ file });
};

const metricsPlace = ({ env }: Context, text: string) => ({
  ...listenAddress(text),
  ...(env.CION_METRICS_TOKEN ? { token: env.CION_METRICS_TOKEN } : {}),
});

const tracesOf = ({ env }: Context): Pick<ServerParts, 'traces'> => {
  const traces = traceEndpoint(env);
  return traces === undefined ? {} : { traces };
};

/** `smtps://user:password@host:465`, `smtp+starttls://host:587`, `smtp://localhost:25`. */
const mailOf = ({ env }: Context, { mailFrom }: ServeOptions): Pick<ServerParts, 'mail'> => {
  const text = env.CION_SMTP_URL;
  if (!text) return {};
  const url = URL.parse(text);
  const security = url === null ? undefined : securities[url.protocol];
  if (url === null || security === undefined || mailFrom === undefined) {
    throw new Refusal(
      'USAGE',
      'CION_SMTP_URL or --mail-from cannot be used.',
      'Write smtps://user:password@host:465 and --mail-from ci@example.org.',
    );
  }
  const { hostname: host, port, username: user, password } = url;
  const login = user === '' ? {} : { login: { user: decodeURIComponent(user), password: decodeURIComponent(password) } };
  return { mail: { host, port: Number(port || usualPorts[security]), security, from: mailFrom, ...login } };
};

const securities: Readonly<Record<string, 'tls' | 'starttls' | 'none'>> = {
  'smtps:': 'tls',
  'smtp+starttls:': 'starttls',
  'smtp:': 'none',
};
const usualPorts = { tls: 465, starttls: 587, none: 25 } as const;

const keyIn = (pem: string): RegistryKey => {
  try {
    return registryKey(pem);
  } catch (error) {
    throw error instanceof RegistryKeyError ? new Refusal('REGISTRY_KEY', `${error.message}.`, 'See docs/registry.md.') : error;
  }
};

/** `HOST`, `HOST:5000/cion`. */
const registryOf = async ({ cwd }: Context, { registry, registryKey: file }: ServeOptions): Promise<Pick<ServerParts, 'registry'>> => {
  if (registry === undefined && file === undefined) return {};
  if (registry === undefined || file === undefined) {
    throw new Refusal('USAGE', 'A registry of the server needs both --registry and --registry-key.', 'See docs/registry.md.');
  }
  const place = parseImageReference(`${registry}/owner/name`);
  if (!place.ok || place.image.registry === dockerHub) {
    throw new Refusal('USAGE', `${JSON.stringify(registry)} is no registry.`, 'Write HOST, HOST:PORT or HOST/PREFIX.');
  }
  const path = resolve(cwd, file);
  const pem = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new Refusal('REGISTRY_KEY', `The key of the registry cannot be read: ${String(error instanceof Error ? error.message : error)}.`);
  });
  return { registry: { host: place.image.registry, prefix: place.image.repository.replace(/\/?owner\/name$/, ''), key: keyIn(pem) } };
};

const githubOf = ({ env }: Context, { githubUrl, githubApi, githubJoin }: ServeOptions): Pick<ServerParts, 'github'> => {
  const { CION_GITHUB_CLIENT_ID: clientId, CION_GITHUB_CLIENT_SECRET: clientSecret } = env;
  if (!clientId || !clientSecret) return {};
  return { github: { clientId, clientSecret, url: githubUrl, apiUrl: githubApi, scopes: defaultGithubScopes, join: githubJoin } };
};

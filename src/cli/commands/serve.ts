import { access, constants, readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { type AddressInfo, createServer, isIPv4, isIPv6 } from 'node:net';
import { join, resolve } from 'node:path';
import { inProcessAgent } from '../../api/in-process-agent.ts';
import { workerClient } from '../../api/worker-client.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { endableClock } from '../../lib/endable-clock.ts';
import { sealerOf } from '../../secrets/sealer.ts';
import { workerKeysOf } from '../../secrets/worker-keys.ts';
import { dockerHub, parseImageReference } from '../../plan/image-reference.ts';
import { type RegistryKey, RegistryKeyError, registryKey } from '../../server/registry/registry-key.ts';
import { type AllowedAddresses, allowedAddresses } from '../../server/outgoing/allowed-addresses.ts';
import { askOutside } from '../../server/outgoing/ask-outside.ts';
import { outgoing } from '../../server/outgoing/outgoing.ts';
import { type MetricsServer, metricsServer } from '../../server/observe/metrics-server.ts';
import { traceEndpoint } from '../../server/observe/send-traces.ts';
import { newBearer } from '../../server/auth/bearer.ts';
import { sourceApart } from '../../source/source-apart.ts';
import { runWorker } from '../../worker/run-worker.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { emptyFolder } from '../empty-folder.ts';
import { imagePolicy, type PolicyOptions } from '../asked-policy.ts';

import { Refusal } from '../refusal.ts';
import { serverUrl } from '../server-of.ts';
import { write } from '../write.ts';
import { openRuntime, type RuntimeOptions } from './open-runtime.ts';
import { forgeSites, openServer, type ServerParts } from './open-server.ts';
import { openState } from './server-state.ts';
import { databasePlace, dataDirectory, insideWorker, keysOf, makeDirectory, makeKey } from './server-place.ts';
import { openStorage, type StorageOptions } from './server-storage.ts';
import { stepByOf } from './step-by.ts';
import type { StepOptions } from './open-steps.ts';

export type ServeOptions = RuntimeOptions &
  StorageOptions &
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
    readonly githubPrivate?: true;
    readonly githubJoin: 'known' | 'everybody';
    readonly gitlabApi?: string;
    readonly gitlabJoin: 'known' | 'everybody';
    readonly giteaApi?: string;
    readonly giteaJoin: 'known' | 'everybody';
    readonly allowAddress?: readonly string[];
    readonly metrics?: string;
    readonly mailFrom?: string;
    readonly proxy?: readonly string[];
    readonly insecureHttp?: true;
    readonly keepRuns: number;
    /** Days, as the two after it. */
    readonly keepDays: number;
    readonly keepCaches: number;
    readonly keepAudit: number;
    readonly approveWithin: number;
    readonly registry?: string;
    readonly registryKey?: string;
  };

/** Runs a server until a signal ends it: what its own worker had let go is left running, and taken up by the next start. */
export const serve = async (context: Context, options: ServeOptions): Promise<ExitCode> => {
  const { stdout, stderr } = context;
  const warn = (text: string): void => void stderr.write(`cion: ${text}\n`);
  const directory = dataDirectory(context, options);
  const asked = await askedOf(context, options);
  const { listen, metrics: metricsAt, said, steps } = asked;
  const storage = await openStorage(context, directory, options, warn);
  await makeDirectory(directory);
  const place = databasePlace(options, directory);
  await makeKey(context, options, directory, warn);
  const keys = await keysOf(context, options, directory);
  const stop = stopOf();
  const clock = endableClock(systemClock);
  const waiting = (): void => warn('another server has the database: waiting until it is gone');
  const state = await openState(place, clock, stop.signal, waiting).catch(async (error: unknown) => {
    stop.off();
    await storage.close();
    clock.end();
    if (error !== stop.signal.reason) throw error;
  });
  if (state === undefined) return exitCodes.passed;
  const source = sourceApart();
  try {
    const anywhere = { name: () => true, address: () => true };
    const askSteps = askOutside(outgoing({ allowed: asked.allowed, clock }), outgoing({ allowed: anywhere, clock }));
    const embedded = { token: newBearer('worker'), worker: await insideWorker(directory) };
    const parts: Omit<ServerParts, 'publicUrl'> = {
      ...asked.parts,
      state,
      storage,
      sealer: sealerOf(keys),
      workerKeys: workerKeysOf(keys),
      source,
      clock,
      directory,
      stepBy: (signal, note) => {
        const place = { root: directory, stateDir: directory };
        const fetched = stepByOf(context, place, steps, signal, note, { directories: false, ask: askSteps });
        return async (reference) => {
          const step = await fetched(reference);
          if (step.ok) await storage.keepStep(step.value.tree);
          return step;
        };
      },
      embedded,
      log: { write: (line) => void stderr.write(line) },
      warn,
    };
    const publicUrl = said ?? `http://${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${listen.port}`;
    const server = await openServer({ ...parts, publicUrl });
    let metrics: MetricsServer | undefined;
    try {
      await server.app.listen(listen).catch((error: unknown) => Promise.reject(listenError(error, listen)));
      if (metricsAt !== undefined) {
        metrics = await metricsServer(server.metrics, metricsAt).catch((error: unknown) => Promise.reject(listenError(error, metricsAt)));
      }
      await write(stdout, `cion serves at ${publicUrl}\n`);
      if (server.setup.token !== undefined) {
        const how = `Whoever has this token can become it: ${server.setup.token}\n"cion login --server ${publicUrl}" asks for it.`;
        await write(stdout, `There is no admin yet. ${how}\n`);
      }
      const failed = new AbortController();
      const ended = AbortSignal.any([stop.signal, state.replaced, failed.signal]);
      const working =
        options.slots === 0
          ? Promise.resolve()
          : work(context, options, { directory, embedded, server: server.app.server, clock, stop: ended });
      const going = [server.start(ended), working, untilAborted(ended)];
      for (const one of going) one.catch(() => failed.abort());
      try {
        await Promise.all(going);
      } finally {
        await Promise.allSettled(going);
      }
    } finally {
      await metrics?.close();
      await server.app.close();
    }
    if (state.replaced.aborted) warn('another server has taken over the database: this one ends');
    return state.replaced.aborted ? exitCodes.errored : exitCodes.passed;
  } finally {
    stop.off();
    await source.close();
    await storage.close();
    await state.close();
    clock.end();
  }
};

/** What the command line and the environment say, before anything is opened or made: a word that cannot be used is told at once. */
const askedOf = async (context: Context, options: ServeOptions) => {
  const listen = await settled(listenAddress(options.listen));
  refuseInTheClear(listen.host, options);
  const policy = await imagePolicy(context, options);
  return {
    listen,
    metrics: options.metrics === undefined ? undefined : metricsPlace(context, options.metrics),
    said: options.url === undefined ? undefined : serverUrl(options.url, '--url'),
    allowed: allowedOf(options.allowAddress ?? []),
    steps: { ...options, production: policy.production },
    parts: {
      policy,
      apps: appsOf(context, options),
      sites: forgeSites(apisOf(options)),
      ...(await knownHostsOf(context, options)),
      allowFiles: options.allowFiles === true,
      allowAddresses: options.allowAddress ?? [],
      keep: keepOf(options),
      approveWithinMs: options.approveWithin * dayMs,
      proxies: proxiesOf(options.proxy ?? []),
      ...mailOf(context, options),
      ...(await registryOf(context, options)),
      ...tracesOf(context),
    },
  };
};

type Inside = {
  readonly directory: string;
  readonly embedded: ServerParts['embedded'];
  readonly server: Parameters<typeof inProcessAgent>[0];
  readonly clock: Clock;
  readonly stop: AbortSignal;
};

/** The worker inside: as any other, but without a network between. */
const work = async (context: Context, options: ServeOptions, { directory, embedded, server, clock, stop }: Inside): Promise<void> => {
  const agent = inProcessAgent(server);
  const namespace = context.env.CION_NAMESPACE || `server-${embedded.worker}`;
  const { runtime, logins, close } = await openRuntime(options, { ...context, env: { ...context.env, CION_NAMESPACE: namespace } }, stop);
  try {
    await runWorker(
      {
        ...workerClient({
          url: 'http://server.internal',
          token: embedded.token,
          agent,
          folder: await emptyFolder(join(directory, 'worker', 'uploads')),
        }),
        runtime,
        logins,
        clock,
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

/** Passwords, sessions and tokens go over it (atk-87). Behind a proxy that has TLS, `--url` says so. */
const refuseInTheClear = (host: string, { url, insecureHttp }: ServeOptions): void => {
  const hasTls = url !== undefined && URL.parse(url)?.protocol === 'https:';
  if (isLoopback(host) || hasTls || insecureHttp === true) return;
  throw new Refusal(
    'SERVER_IN_THE_CLEAR',
    `At ${host} everybody on the way could read passwords and tokens: there is no TLS.`,
    'Put a proxy with TLS before it and say --url https://…; or listen at 127.0.0.1; or, in a network that you trust, --insecure-http.',
  );
};

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));

const proxiesOf = (given: readonly string[]): readonly string[] => {
  for (const text of given) {
    const [address = '', bits, ...more] = text.split('/');
    const longest = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1;
    const isNetwork = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) > 0 && Number(bits) <= longest);
    if (longest < 0 || !isNetwork || more.length > 0) {
      throw new Refusal('USAGE', `${JSON.stringify(text)} is no proxy.`, 'Write its address, 10.0.0.5, or a network, 10.0.0.0/8.');
    }
  }
  return given;
};

const allowedOf = (given: readonly string[]): AllowedAddresses => {
  for (const text of given) {
    try {
      allowedAddresses([text]);
    } catch {
      const hint = 'Write an address, 192.0.2.7, a network, 10.1.0.0/16, or a name, hooks.intern.';
      throw new Refusal('USAGE', `${JSON.stringify(text)} cannot be allowed: it is no address, no network and no name.`, hint);
    }
  }
  return allowedAddresses(given);
};

const listenAddress = (text: string): { readonly host: string; readonly port: number } => {
  const match = /^(?:(?:\[([0-9a-f:]+)\]|([^:[\]]+)):)?(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535)
    throw new Refusal('USAGE', `${JSON.stringify(text)} is no address to listen at.`, 'Write HOST:PORT.');
  return { host: match[1] ?? match[2] ?? '127.0.0.1', port };
};

/** With a port of its own where any will do: hooks and pages are told of it before anything listens. */
const settled = async ({ host, port }: ReturnType<typeof listenAddress>): Promise<ReturnType<typeof listenAddress>> => {
  if (port !== 0) return { host, port };
  const probe = createServer().listen(0, host);
  await once(probe, 'listening');
  const free = (probe.address() as AddressInfo).port;
  probe.close();
  await once(probe, 'close');
  return { host, port: free };
};

const metricsPlace = ({ env }: Context, text: string) => ({
  ...listenAddress(text),
  ...(env.CION_METRICS_TOKEN ? { token: env.CION_METRICS_TOKEN } : {}),
});

const dayMs = 86_400_000;

const keepOf = ({ keepRuns, keepDays, keepCaches, keepAudit }: ServeOptions): ServerParts['keep'] => ({
  runs: { runs: keepRuns, ms: keepDays * dayMs },
  cachesMs: keepCaches * dayMs,
  auditMs: keepAudit * dayMs,
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

const knownHostsOf = async ({ cwd }: Context, { knownHosts }: ServeOptions): Promise<Pick<ServerParts, 'knownHosts'>> => {
  if (knownHosts === undefined) return {};
  const path = resolve(cwd, knownHosts);
  await access(path, constants.R_OK).catch((error: unknown) => {
    throw new Refusal('USAGE', `The file of --known-hosts cannot be read: ${error instanceof Error ? error.message : String(error)}.`);
  });
  return { knownHosts: path };
};

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

const apisOf = ({ githubApi, gitlabApi, giteaApi }: ServeOptions) => ({
  github: withoutSlash(githubApi),
  ...(gitlabApi === undefined ? {} : { gitlab: withoutSlash(gitlabApi) }),
  ...(giteaApi === undefined ? {} : { gitea: withoutSlash(giteaApi) }),
});

/** The forges that one can log in with: those that there are an id and a secret for. */
const appsOf = ({ env }: Context, options: ServeOptions): ServerParts['apps'] => {
  const apis = apisOf(options);
  const places = {
    github: { api: apis.github, own: options.githubUrl, join: options.githubJoin },
    gitlab: { api: apis.gitlab, own: apis.gitlab && ownAddress(apis.gitlab, 'gitlab'), join: options.gitlabJoin },
    gitea: { api: apis.gitea, own: apis.gitea && ownAddress(apis.gitea, 'gitea'), join: options.giteaJoin },
  } as const;
  return (['github', 'gitlab', 'gitea'] as const).flatMap((kind) => {
    const [clientId, clientSecret] = [env[`CION_${kind.toUpperCase()}_CLIENT_ID`], env[`CION_${kind.toUpperCase()}_CLIENT_SECRET`]];
    if (!clientId || !clientSecret) return [];
    const { api, own, join } = places[kind];
    if (api === undefined || own === undefined)
      throw new Refusal('USAGE', `There is an OAuth app of ${kind} and no address of it.`, `Write --${kind}-api ${apiExamples[kind]}.`);
    const scopes = kind === 'github' && options.githubPrivate ? { scopes: ['repo', 'admin:repo_hook'] } : {};
    return [{ kind, clientId, clientSecret, url: withoutSlash(own), apiUrl: api, join, ...scopes }];
  });
};

const apiExamples = {
  github: 'https://api.github.com',
  gitlab: 'https://gitlab.com/api/v4',
  gitea: 'https://gitea.example/api/v1',
} as const;
const apiPaths = { gitlab: '/api/v4', gitea: '/api/v1' } as const;

/** Where people go: what its API is below. */
const ownAddress = (api: string, kind: keyof typeof apiPaths): string => {
  const path = apiPaths[kind];
  if (URL.canParse(api) && api.endsWith(path)) return api.slice(0, -path.length);
  throw new Refusal('USAGE', `--${kind}-api is no address of its API.`, `Write ${apiExamples[kind]}.`);
};

const withoutSlash = (url: string): string => url.replace(/\/+$/, '');

const listenError = (error: unknown, { host, port }: { readonly host: string; readonly port: number }): unknown => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const whys: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program listens there',
    EADDRNOTAVAIL: 'this machine has no such address',
    EACCES: 'this user may not',
  };
  const why = typeof code === 'string' ? whys[code] : undefined;
  return why === undefined
    ? error
    : new Refusal('LISTEN_REFUSED', `The server cannot listen at ${host}:${port}: ${why}.`, 'Give another place: --listen ADDRESS:PORT.');
};

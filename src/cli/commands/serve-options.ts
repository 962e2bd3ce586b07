import { access, constants } from 'node:fs/promises';
import { once } from 'node:events';
import { type AddressInfo, createServer, isIPv4, isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import { type AllowedAddresses, allowedAddresses } from '../../server/outgoing/allowed-addresses.ts';
import { traceEndpoint } from '../../server/observe/send-traces.ts';
import { mailOf } from '../asked-mail.ts';
import { imagePolicy, type PolicyOptions } from '../asked-policy.ts';
import { registryOf, type RegistryOptions } from '../asked-registry.ts';
import type { Context } from '../context.ts';
import { Refusal } from '../refusal.ts';
import { serverUrl } from '../server-of.ts';
import type { RuntimeOptions } from './open-runtime.ts';
import { appsOf, type ForgeOptions, sitesOf } from './asked-forges.ts';
import type { ServerParts } from './open-server.ts';
import type { StepOptions } from './open-steps.ts';
import type { StorageOptions } from './server-storage.ts';

export type ServeOptions = RuntimeOptions &
  StorageOptions &
  PolicyOptions &
  StepOptions &
  ForgeOptions &
  RegistryOptions & {
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
  };

/** What the command line and the environment say, before anything is opened or made: a word that cannot be used is told at once. */
export const askedOf = async (context: Context, options: ServeOptions) => {
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
      sites: sitesOf(options),
      ...(await knownHostsOf(context, options)),
      allowFiles: options.allowFiles === true,
      allowAddresses: options.allowAddress ?? [],
      keep: keepOf(options),
      approveWithinMs: options.approveWithin * dayMs,
      proxies: proxiesOf(options.proxy ?? []),
      ...mailOf(context.env, options.mailFrom),
      ...(await registryOf(context, options)),
      ...tracesOf(context),
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

const knownHostsOf = async ({ cwd }: Context, { knownHosts }: ServeOptions): Promise<Pick<ServerParts, 'knownHosts'>> => {
  if (knownHosts === undefined) return {};
  const path = resolve(cwd, knownHosts);
  await access(path, constants.R_OK).catch((error: unknown) => {
    throw new Refusal('USAGE', `The file of --known-hosts cannot be read: ${error instanceof Error ? error.message : String(error)}.`);
  });
  return { knownHosts: path };
};

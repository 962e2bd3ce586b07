import { valid } from 'semver';
import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { retryAfterMs } from '../../steps/download.ts';
import type { PackageWatch } from '../../store/schedules.ts';
import { type Outgoing, targetOf } from '../outgoing/outgoing.ts';
import { TriggerError } from './trigger-error.ts';

/** The version that a dist-tag of a package means now (R-DCK-90). Rejects with TriggerError PACKAGE_UNREADABLE, or OutgoingError; at once when the signal aborts. */
export type LatestVersion = (watch: Omit<PackageWatch, 'token'>, token: string | undefined, signal: AbortSignal) => Promise<string>;

/** No registry is left alone for longer because it asks for it. */
const longestRestMs = 24 * 60 * 60_000;
const usualRestMs = 60_000;

const limitBytes = 32 * 1024 * 1024;
const timeoutMs = 30_000;

/** Asks an npm registry for the short form of what it knows of the package. One that has enough (429) is asked for nothing, by no watch, until its time is over (atk-60). */
export const latestVersion = (send: Outgoing, clock: Pick<Clock, 'now'>): LatestVersion => {
  const resting = new Map<string, number>();
  return async ({ package: name, registry, tag }, token, signal) => {
    if (!isPackageName(name)) throw unreadable(`${JSON.stringify(name)} is no name of a package`);
    const { host } = new URL(registry);
    const until = resting.get(host) ?? 0;
    if (until > clock.now()) throw unreadable(`${host} does not want to be asked before ${new Date(until).toISOString()}`);
    resting.delete(host);
    const { status, body, retryAfter } = await send({
      method: 'GET',
      url: `${registryOf(registry)}${name.replace('/', '%2f')}`,
      headers: {
        accept: 'application/vnd.npm.install-v1+json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      limitBytes,
      timeoutMs,
      signal,
    });
    if (status === 429) {
      const restMs = Math.min(retryAfterMs(retryAfter, clock.now()) ?? usualRestMs, longestRestMs);
      resting.set(host, clock.now() + restMs);
      throw unreadable(`${host} has enough of requests, and is asked again in ${Math.ceil(restMs / 1000)} s`);
    }
    if (status === 404) throw unreadable(`${host} has no package ${name}`);
    if (status === 401 || status === 403) throw unreadable(`${host} does not show ${name} to this token`);
    if (status !== 200) throw unreadable(`${host} answered ${status}`);
    const tags = tagsIn(body.toString());
    if (tags === undefined) throw unreadable(`${host} did not answer as a registry does`);
    const version = Object.hasOwn(tags, tag) ? tags[tag] : undefined;
    if (version === undefined) throw unreadable(`${name} has no ${JSON.stringify(tag)} at ${host}`);
    if (valid(version) !== version) throw unreadable(`${host} names a version of ${name} that is none`);
    return version;
  };
};

export const isPackageName = (name: string): boolean => name.length <= 214 && /^(?:@[\w~-][\w.~-]*\/)?[\w~-][\w.~-]*$/.test(name);

/** With its last slash. Throws OutgoingError for what is no plain web address. */
export const registryOf = (registry: string): string => {
  const { origin, pathname } = targetOf(registry);
  return `${origin}${pathname.replace(/\/*$/, '/')}`;
};

const shape = z.object({ 'dist-tags': z.record(z.string(), z.string().max(256)) });

const tagsIn = (text: string): Readonly<Record<string, string>> | undefined => {
  try {
    return shape.safeParse(JSON.parse(text)).data?.['dist-tags'];
  } catch {
    return undefined;
  }
};

const unreadable = (message: string): TriggerError => new TriggerError('PACKAGE_UNREADABLE', message);

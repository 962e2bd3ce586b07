import { randomUUID } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import type { Clock } from '../../lib/clock.ts';
import type { RegistryKey } from './registry-key.ts';
import type { Scope } from './scopes.ts';

/** Which attempt asks, on which worker: as good as its lease, and no longer. */
export type JobTicket = { readonly item: string; readonly worker: string; readonly token: number; readonly project: string };

export type RegistryTokens = {
  /** A token that the registry takes. */
  access(subject: string, granted: readonly Scope[]): Promise<AccessToken>;
  /** What a job has in place of a password at the token server. The registry does not take it. */
  ticket(ticket: JobTicket): Promise<string>;
  /** `undefined` when it is none of ours. It says nothing of whether the lease is held. */
  readTicket(text: string): Promise<JobTicket | undefined>;
};

export type AccessToken = { readonly token: string; readonly expiresInSeconds: number; readonly issuedAt: number };

export const registryIssuer = 'cion';

/** Long enough to send a layer; clients ask again when it is over. */
const lifeSeconds = 300;

const ticketAudience = 'cion job';

/** `service`: what the registry calls itself in its configuration. */
export const registryTokens = (key: RegistryKey, service: string, clock: Pick<Clock, 'now'>): RegistryTokens => {
  const seconds = (): number => Math.floor(clock.now() / 1000);
  const header = { alg: 'ES256', typ: 'JWT', kid: key.id, x5c: [key.certificate] };

  return {
    access: async (subject, granted) => {
      const now = seconds();
      const access = granted.map(({ repository, actions }) => ({ type: 'repository', name: repository, actions }));
      const token = await new SignJWT({ access })
        .setProtectedHeader(header)
        .setIssuer(registryIssuer)
        .setSubject(subject)
        .setAudience(service)
        .setIssuedAt(now)
        .setNotBefore(now)
        .setExpirationTime(now + lifeSeconds)
        .setJti(randomUUID())
        .sign(key.private);
      return { token, expiresInSeconds: lifeSeconds, issuedAt: now * 1000 };
    },
    ticket: (ticket) =>
      new SignJWT({ ...ticket })
        .setProtectedHeader({ alg: 'ES256', typ: 'JWT' })
        .setIssuer(registryIssuer)
        .setAudience(ticketAudience)
        .setIssuedAt(seconds())
        .sign(key.private),
    readTicket: async (text) => {
      try {
        const { payload } = await jwtVerify(text, key.public, { algorithms: ['ES256'], issuer: registryIssuer, audience: ticketAudience });
        return ticketOf(payload);
      } catch (error) {
        if (error instanceof errors.JOSEError) return undefined;
        throw error;
      }
    },
  };
};

const ticketOf = ({ item, worker, token, project }: Readonly<Record<string, unknown>>): JobTicket | undefined =>
  typeof item === 'string' && typeof worker === 'string' && typeof token === 'number' && typeof project === 'string'
    ? { item, worker, token, project }
    : undefined;

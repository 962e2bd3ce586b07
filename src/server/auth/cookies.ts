import { fastifyCookie } from '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** The cookies of a server with this address: over https they belong to its host alone; plain http is for localhost, where browsers refuse the others. */
export type Cookies = {
  readonly session: string;
  /** A login with the forge that is under way. */
  readonly login: string;
  of(request: FastifyRequest, name: string): string | undefined;
  set(reply: FastifyReply, name: string, value: string, forMs: number): void;
  end(reply: FastifyReply, name: string): void;
};

/**
 * They are read when they are needed, so that it does not matter which plugin of an app was there first. The functions of @fastify/cookie work
 * once it was registered anywhere.
 */
export const cookiesOf = (publicUrl: string): Cookies => {
  const secure = new URL(publicUrl).protocol === 'https:';
  const prefix = secure ? '__Host-' : '';
  const set: Cookies['set'] = (reply, name, value, forMs) => {
    const options = { path: '/', httpOnly: true, secure, sameSite: 'lax', maxAge: Math.floor(forMs / 1000) } as const;
    reply.header('set-cookie', fastifyCookie.serialize(name, value, options));
  };
  return {
    session: `${prefix}cion`,
    login: `${prefix}cion-login`,
    of: ({ headers }, name) => fastifyCookie.parse(headers.cookie ?? '')[name],
    set,
    end: (reply, name) => set(reply, name, '', 0),
  };
};

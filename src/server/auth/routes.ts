import type { FastifyBaseLogger, FastifyInstance, FastifyReply, RawServerDefault } from 'fastify';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { AuthError } from './auth-error.ts';

/** Some routes of a server, whose shapes are zod schemas. */
export type Routes = (
  app: FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodTypeProvider>,
) => Promise<void>;

export const empty = z.undefined();
export const idParams = z.object({ id: z.string().max(100) });

/** Throws AuthError when one has to wait so many ms, and says how long. */
export const throttled = (reply: FastifyReply, waitMs: number): void => {
  if (waitMs <= 0) return;
  const seconds = Math.ceil(waitMs / 1000);
  reply.header('retry-after', String(seconds));
  throw new AuthError('LOGIN_THROTTLED', `There were too many wrong attempts. Wait ${seconds} s.`);
};

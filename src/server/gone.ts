import type { FastifyReply } from 'fastify';

/** Aborts when whoever asked has gone away, or everything is answered. */
export const goneSignal = (reply: FastifyReply): AbortSignal => {
  const gone = new AbortController();
  if (reply.raw.destroyed) gone.abort();
  else reply.raw.once('close', () => gone.abort());
  return gone.signal;
};

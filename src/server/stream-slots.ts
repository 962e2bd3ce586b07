import type { FastifyReply, FastifyRequest } from 'fastify';
import { HttpError } from './http-error.ts';

/** Answers that stay open, counted: a client who opens many takes no one else's, and all together take not too much (atk-69). */
export type StreamSlots = { take(request: FastifyRequest, reply: FastifyReply): void };

export const streamSlots = (limits: { readonly streams: number; readonly streamsPerAddress: number }): StreamSlots => {
  const perAddress = new Map<string, number>();
  let open = 0;
  return {
    take: (request, reply) => {
      // In this process there is no address.
      const ip = (request.ip as string | undefined) ?? '';
      const own = perAddress.get(ip) ?? 0;
      if (own >= limits.streamsPerAddress) throw new HttpError('TOO_MANY_STREAMS', 429, 'You follow too much at once.', 'Close some.');
      if (open >= limits.streams)
        throw new HttpError('TOO_MANY_STREAMS', 503, 'Too many follow something at the moment.', 'Try again later.');
      open++;
      perAddress.set(ip, own + 1);
      reply.raw.once('close', () => {
        open--;
        const left = (perAddress.get(ip) ?? 1) - 1;
        if (left === 0) perAddress.delete(ip);
        else perAddress.set(ip, left);
      });
    },
  };
};

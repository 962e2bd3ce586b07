import type { FastifyInstance } from 'fastify';
import type { Clock } from '../lib/clock.ts';
import { HttpError } from './http-error.ts';

/** A small body has to come within `ms`. Bodies that are streamed may take their time, but must move: see idleMs. */
export const slowBodies = (app: FastifyInstance, clock: Clock, ms: number): void => {
  app.addHook('preParsing', (request, reply, payload, done) => {
    const { headers } = request;
    const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
    if (hasBody && headers['content-type'] !== 'application/octet-stream') {
      const cancel = clock.after(ms, () => {
        if (reply.sent) return;
        void reply.header('connection', 'close');
        payload.emit('error', new HttpError('REQUEST_SLOW', 408, `The request did not come within ${Math.ceil(ms / 1000)} s.`));
      });
      payload.once('end', cancel).once('close', cancel);
      reply.raw.once('close', cancel);
    }
    done(null, payload);
  });
};

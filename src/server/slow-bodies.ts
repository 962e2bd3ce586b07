import type { FastifyInstance } from 'fastify';
import { HttpError } from './http-error.ts';

/** A small body has to come within `ms`. Bodies that are streamed may take their time, but must move: see idleMs. */
export const slowBodies = (app: FastifyInstance, ms: number): void => {
  app.addHook('preParsing', (request, reply, payload, done) => {
    if (request.headers['content-type'] === 'application/octet-stream' || request.raw.readableEnded) return done(null, payload);
    const timer = setTimeout(() => {
      void reply.header('connection', 'close');
      payload.emit('error', new HttpError(408, 'REQUEST_SLOW', `The request did not come within ${Math.ceil(ms / 1000)} s.`));
    }, ms);
    payload.once('close', () => clearTimeout(timer)).once('end', () => clearTimeout(timer));
    done(null, payload);
  });
};

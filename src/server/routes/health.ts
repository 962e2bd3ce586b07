import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { healthSchema } from '../../api/health.ts';
import type { RouteDeps } from '../app-deps.ts';

/** For load balancers: 200 when the database answers, 503 when not. */
export const healthRoutes =
  ({ health }: Pick<RouteDeps, 'health'>): FastifyPluginAsyncZod =>
  async (app) => {
    app.get('/healthz', { schema: { response: { 200: healthSchema, 503: healthSchema } }, logLevel: 'warn' }, async (_request, reply) => {
      const { database, workers, results = true } = await health().catch((): Health => ({ database: false, workers: 0 }));
      return reply.code(database ? 200 : 503).send({ database: word(database), results: word(results), workers });
    });
  };

type Health = Awaited<ReturnType<RouteDeps['health']>>;

const word = (isThere: boolean) => (isThere ? 'reachable' : 'unreachable');

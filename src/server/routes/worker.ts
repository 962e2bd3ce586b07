import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import {
  claimAnswerSchema,
  claimRequestSchema,
  longestWaitMs,
  reportAnswerSchema,
  reportRequestSchema,
  workerPaths,
} from '../../api/worker-wire.ts';
import type { RouteDeps } from '../app-deps.ts';
import { goneSignal } from '../gone.ts';
import { HttpError } from '../http-error.ts';
import { workerOf } from './worker-access.ts';
import { signedBodies } from './signed-bodies.ts';

/** The two verbs. A worker speaks for itself alone, and of an item only about its own attempt. */
export const workerRoutes =
  (deps: RouteDeps): FastifyPluginAsyncZod =>
  async (app) => {
    const { dispatcher, workers = dispatcher, guard, limits } = deps;
    const config = { rateLimit: { max: limits.workerRequestsPerMinute } };
    const asItself = async (worker: string, named: string, action: string): Promise<void> => {
      if (worker === named) return;
      await guard.note({ actor: { kind: 'worker', worker }, action, outcome: 'refused', detail: { named } });
      throw new HttpError('WORKER_MISMATCH', 403, `This token is of the worker ${JSON.stringify(worker)}.`);
    };

    app.addHook('onRequest', async (request) => {
      await workerOf(deps, request);
    });
    signedBodies(app, deps);

    app.post(
      workerPaths.claim,
      { config, schema: { body: claimRequestSchema, response: { 200: claimAnswerSchema } } },
      async (request, reply) => {
        await asItself(await workerOf(deps, request), request.body.worker, 'worker.claim');
        const waitMs = Math.min(request.body.waitMs, longestWaitMs);
        void reply.header('cache-control', 'no-store');
        return workers.claim({ ...request.body, waitMs }, goneSignal(reply));
      },
    );

    app.post(
      workerPaths.report,
      {
        config,
        bodyLimit: limits.reportBytes,
        schema: { body: reportRequestSchema, response: { 200: reportAnswerSchema } },
      },
      async (request, reply) => {
        const worker = await workerOf(deps, request);
        await asItself(worker, request.body.worker, 'worker.report');
        for (const { item, facts } of request.body.items) {
          const stray = facts.find(({ stage, attempt }) => !item.endsWith(`/${stage}/${attempt}`));
          if (stray === undefined) continue;
          await guard.note({ actor: { kind: 'worker', worker }, action: 'worker.report', outcome: 'refused', detail: { item } });
          throw new HttpError('FACT_OF_ANOTHER', 400, `A fact about ${stray.stage}/${stray.attempt} was told of ${item}.`);
        }
        const waitMs = Math.min(request.body.waitMs, longestWaitMs);
        return workers.report({ ...request.body, waitMs }, goneSignal(reply));
      },
    );
  };

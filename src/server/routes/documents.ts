import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { RouteDeps } from '../app-deps.ts';
import { HttpError } from '../http-error.ts';
import { accessOf } from './access.ts';
import { redirected } from './download.ts';
import { stageParams } from './params.ts';

const query = z.object({ attempt: z.coerce.number().int().positive().exactOptional() });
const type = 'application/json';

/** The documents of stages, as they are in the results (R-DCK-97 … 101); also of what ran elsewhere. `attempt`: one that is not the newest. */
export const documentRoutes =
  (deps: RouteDeps): FastifyPluginAsyncZod =>
  async (app) => {
    const access = accessOf(deps);
    app.get('/runs/:number/document/:stage', { schema: { params: stageParams, querystring: query } }, async (request, reply) => {
      const { run, nodes } = await access.state((await access.run(request, 'read')).row);
      const { stage } = request.params;
      const { attempt } = request.query;
      const node = nodes.get(stage);
      const newest = node?.kind === 'stage' ? (node.attempts.at(-1)?.attempt ?? 1) : 1;
      const name = `${stage}${attempt === undefined || attempt === newest ? '' : `@${attempt}`}.json`;
      const elsewhere = await redirected(deps, { request, reply }, ({ address }) => address(run, name, { type }));
      if (elsewhere !== undefined) return elsewhere;
      const document = await deps.results.open(run, name);
      if (document === undefined) throw new HttpError('DOCUMENT_NONE', 404, `There is no document of ${JSON.stringify(stage)}.`);
      return reply.type(`${type}; charset=utf-8`).header('cache-control', 'no-store').send(document);
    });
  };

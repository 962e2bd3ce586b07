import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { projectParams } from '../../api/project-name.ts';
import { eventsQuerySchema, eventsSchema, runsQuerySchema, runsSchema, whySchema } from '../../api/lists.ts';
import { runJson, runSchema } from '../../api/run-json.ts';
import type { RouteDeps } from '../app-deps.ts';
import { HttpError } from '../http-error.ts';
import { accessOf } from './access.ts';
import { nodeParams, runParams } from './params.ts';

/** Runs of a project, to be read. */
export const runRoutes =
  (deps: RouteDeps): FastifyPluginAsyncZod =>
  async (app) => {
    const access = accessOf(deps);

    app.get(
      '/runs',
      { schema: { params: projectParams, querystring: runsQuerySchema, response: { 200: runsSchema } } },
      async (request) => {
        const { project } = await access.project(request, 'read');
        const { finished, limit, ...filter } = request.query;
        const found = await deps.runs.list({
          ...filter,
          ...(finished === undefined ? {} : { finished: finished === 'true' }),
          project: project.name,
          limit: limit + 1,
        });
        const runs = found.slice(0, limit);
        const next = found.length > limit ? runs.at(-1)?.run : undefined;
        return { runs, ...(next === undefined ? {} : { next }) };
      },
    );

    app.get('/runs/:number', { schema: { params: runParams, response: { 200: runSchema } } }, async (request) =>
      runJson(await access.state((await access.run(request, 'read')).row)),
    );

    app.get(
      '/runs/:number/events',
      { schema: { params: runParams, querystring: eventsQuerySchema, response: { 200: eventsSchema } } },
      async (request) => {
        const { row } = await access.run(request, 'read');
        const { after, limit } = request.query;
        return { events: (await deps.runs.events(row.run, after)).slice(0, limit) };
      },
    );

    app.get('/runs/:number/why/:node', { schema: { params: nodeParams, response: { 200: whySchema } } }, async (request) => {
      const state = await access.state((await access.run(request, 'read')).row);
      const { node } = request.params;
      if (!state.nodes.has(node))
        throw new HttpError('STAGE_UNKNOWN', 404, `Run ${state.number} has no stage or gate ${JSON.stringify(node)}.`);
      return { sentences: await deps.why(state, node) };
    });
  };

import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import {
  type DeploymentJson,
  deploymentsQuerySchema,
  deploymentsSchema,
  differenceSchema,
  type EnvironmentJson,
  environmentSchema,
  environmentsSchema,
} from '../../api/lists.ts';
import { projectParams } from '../../api/project-name.ts';
import { differencesOf } from '../../run/deployment-difference.ts';
import type { RouteDeps } from '../app-deps.ts';
import { HttpError } from '../http-error.ts';
import { accessOf } from './access.ts';
import { differenceParams, environmentParams } from './params.ts';

/** How far back is looked for what is somewhere now. */
const lookBack = 1000;

/** What was deployed where, and what is there now (R-CIO-18). */
export const deploymentRoutes =
  (deps: RouteDeps): FastifyPluginAsyncZod =>
  async (app) => {
    const access = accessOf(deps);
    const at = async (project: string, environment: string): Promise<EnvironmentJson> => {
      const found = environmentOf(await deps.runs.deployments({ project, environment, limit: lookBack }));
      if (found !== undefined) return found;
      throw new HttpError('ENVIRONMENT_UNKNOWN', 404, `Nothing was ever deployed to ${JSON.stringify(environment)}.`);
    };

    app.get(
      '/deployments',
      { schema: { params: projectParams, querystring: deploymentsQuerySchema, response: { 200: deploymentsSchema } } },
      async (request) => {
        const { project } = await access.project(request, 'read');
        return { deployments: await deps.runs.deployments({ project: project.name, ...request.query }) };
      },
    );

    app.get('/environments', { schema: { params: projectParams, response: { 200: environmentsSchema } } }, async (request) => {
      const { project } = await access.project(request, 'read');
      const names = new Set(
        (await deps.runs.deployments({ project: project.name, limit: lookBack })).map(({ environment }) => environment),
      );
      return { environments: await Promise.all(Array.from(names, (name) => at(project.name, name))) };
    });

    app.get(
      '/environments/:environment',
      { schema: { params: environmentParams, response: { 200: environmentSchema } } },
      async (request) => {
        const { project } = await access.project(request, 'read');
        return at(project.name, request.params.environment);
      },
    );

    app.get(
      '/environments/:environment/difference/:other',
      { schema: { params: differenceParams, response: { 200: differenceSchema } } },
      async (request) => {
        const { project } = await access.project(request, 'read');
        const [from, to] = await Promise.all([at(project.name, request.params.environment), at(project.name, request.params.other)]);
        return { from: from.now, to: to.now, differs: differencesOf(from.now, to.now) };
      },
    );
  };

/** Of one environment's deployments, the newest first. */
const environmentOf = (rows: readonly DeploymentJson[]): EnvironmentJson | undefined => {
  const [now] = rows;
  const parts = rows.filter((row, i) => rows.findIndex(({ pipeline, stage }) => pipeline === row.pipeline && stage === row.stage) === i);
  return now && { environment: now.environment, now, parts };
};

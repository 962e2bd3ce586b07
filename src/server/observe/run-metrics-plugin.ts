import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { projectParams } from '../../api/project-name.ts';
import { runMetricsSchema } from '../../api/run-metrics.ts';
import type { RunStore } from '../../store/run-store.ts';
import type { ProjectAccess } from '../project-access.ts';
import { runMetricsOf } from './run-metrics.ts';
import { RunUnknown } from './run-unknown.ts';

/** How long what of a run took, and what it used (R-WRK-67). */
export const runMetricsPlugin =
  ({ access, runs }: { readonly access: ProjectAccess; readonly runs: Pick<RunStore, 'list' | 'events'> }): FastifyPluginAsyncZod =>
  async (app) => {
    const params = projectParams.extend({ number: z.coerce.number().int().positive() });
    app.get(
      '/api/projects/:owner/:name/runs/:number/metrics',
      { schema: { params, response: { 200: runMetricsSchema } } },
      async (request) => {
        const { project } = await access(request, 'read');
        const { number } = request.params;
        const [row] = await runs.list({ project: project.name, number, limit: 1 });
        const metrics = row === undefined ? undefined : runMetricsOf(await runs.events(row.run, 0));
        if (metrics === undefined) throw new RunUnknown(project.name, number);
        return metrics;
      },
    );
  };

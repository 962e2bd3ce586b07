import type { FastifyPluginAsync } from 'fastify';
import { hookRoutes } from './hook-routes.ts';
import type { ApiFor, IntakeDeps } from './intake-deps.ts';
import { processDeliveries } from './process-deliveries.ts';
import { projectRoutes } from './project-routes.ts';
import { reportStatuses } from './report-statuses.ts';

export type Intake = {
  /** Hooks and the routes of projects. */
  readonly plugin: FastifyPluginAsync;
  /** Works on deliveries and tells forges of runs, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
};

export const makeIntake = (deps: IntakeDeps): Intake => {
  const work = processDeliveries(deps);
  const apiFor = apiOf(deps);
  return {
    plugin: async (app) => {
      await app.register(hookRoutes({ ...deps, wake: work.wake }));
      await app.register(projectRoutes({ ...deps, apiFor }));
    },
    run: async (signal) => {
      reportStatuses({ ...deps, apiOf: async (project) => apiFor(project.forge, project.forge?.account) }, signal);
      await work.run(signal);
    },
  };
};

const apiOf =
  ({ sites, tokenOf, clock }: Pick<IntakeDeps, 'sites' | 'tokenOf' | 'clock'>): ApiFor =>
  async (forge, account) => {
    const site = sites.find(({ kind, url }) => kind === forge?.kind && url === forge.url);
    const token = site === undefined || account === undefined ? undefined : await tokenOf(account, site);
    return token === undefined ? undefined : site?.open({ url: site.url, token, clock });
  };

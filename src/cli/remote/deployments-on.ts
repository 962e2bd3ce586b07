import { ApiError } from '../../api/api-error.ts';
import type { DeploymentJson } from '../../api/lists.ts';
import type { RemoteProject } from './open-remote.ts';

const most = 1000;

/** What a server deployed, the newest first; with `at` only what is there now (R-CIO-18). */
export const deploymentsOn = async ({ api, project }: RemoteProject, at: string | undefined): Promise<readonly DeploymentJson[]> => {
  if (at === undefined) return api.deployments(project, { limit: most });
  const found = await api.environment(project, at).catch((error: unknown) => {
    if (error instanceof ApiError && error.code === 'ENVIRONMENT_UNKNOWN') return undefined;
    throw error;
  });
  return found === undefined ? [] : [found.now];
};

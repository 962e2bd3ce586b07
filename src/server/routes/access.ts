import type { FastifyRequest } from 'fastify';
import { projectOf } from '../../api/project-name.ts';
import type { RunState } from '../../run/run-state.ts';
import type { Project } from '../../store/projects.ts';
import type { RunRow } from '../../store/run-store.ts';
import type { Actor, Right } from '../actor.ts';
import type { RouteDeps } from '../app-deps.ts';
import { HttpError, projectUnknown } from '../http-error.ts';
import { actionOf, permit } from '../permit.ts';

export type Access = {
  /** Whose request it is, and the project that its path names. What may not be seen is answered as what is not there. */
  project(request: FastifyRequest, right: Right): Promise<{ readonly actor: Actor; readonly project: Project }>;
  run(request: FastifyRequest, right: Right): Promise<{ readonly actor: Actor; readonly project: Project; readonly row: RunRow }>;
  state(row: RunRow): Promise<RunState>;
};

export const accessOf = (deps: Pick<RouteDeps, 'actorOf' | 'guard' | 'projects' | 'runs' | 'dispatcher'>): Access => {
  const project: Access['project'] = async (request, right) => {
    const full = projectOf(request.params as Parameters<typeof projectOf>[0]);
    const actor = await deps.actorOf(request);
    const wish = { action: actionOf(request), project: full };
    await permit(deps.guard, actor, 'read', wish);
    const found = await deps.projects.get(full);
    if (found === undefined) throw projectUnknown(full);
    if (right !== 'read') await permit(deps.guard, actor, right, wish);
    return { actor, project: found };
  };
  return {
    project,
    run: async (request, right) => {
      const known = await project(request, right);
      const { number } = request.params as { readonly number: number };
      const [row] = await deps.runs.list({ project: known.project.name, number, limit: 1 });
      if (row === undefined) throw new HttpError('RUN_UNKNOWN', 404, `${known.project.name} has no run ${number}.`);
      return { ...known, row };
    },
    state: async ({ run, number, project: name }) => {
      const state = await deps.dispatcher.state(run);
      if (state === undefined) throw new HttpError('RUN_UNKNOWN', 404, `${name} has no run ${number}.`);
      return state;
    },
  };
};

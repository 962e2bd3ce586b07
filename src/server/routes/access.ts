import type { FastifyRequest } from 'fastify';
import type { RunState } from '../../run/run-state.ts';
import type { Project } from '../../store/projects.ts';
import type { RunRow } from '../../store/run-store.ts';
import type { Actor, Right } from '../actor.ts';
import type { RouteDeps } from '../app-deps.ts';
import { HttpError, projectUnknown } from '../http-error.ts';

type Params = { readonly owner: string; readonly name: string };

export type Access = {
  /** Whose request it is, and the project that its path names. What may not be seen is answered as what is not there. */
  project(request: FastifyRequest, right: Right): Promise<{ readonly actor: Actor; readonly project: Project }>;
  run(request: FastifyRequest, right: Right): Promise<{ readonly actor: Actor; readonly project: Project; readonly row: RunRow }>;
  state(row: RunRow): Promise<RunState>;
};

export const accessOf = (deps: Pick<RouteDeps, 'actorOf' | 'guard' | 'projects' | 'runs' | 'dispatcher'>): Access => {
  const project: Access['project'] = async (request, right) => {
    const { owner, name } = request.params as Params;
    const full = `${owner}/${name}`;
    const actor = await deps.actorOf(request);
    const found = (await deps.guard.may(actor, 'read', full)) ? await deps.projects.get(full) : undefined;
    if (found === undefined) throw projectUnknown(full);
    if (right !== 'read' && !(await deps.guard.may(actor, right, full))) {
      const action = `${request.method} ${request.routeOptions.url ?? ''}`;
      await deps.guard.note({ actor, action, project: full, outcome: 'refused', detail: { right } });
      if (actor.kind === 'anonymous') throw new HttpError('LOGIN_REQUIRED', 401, 'Log in first.');
      throw new HttpError('FORBIDDEN', 403, `This needs the right "${right}", which you have not.`);
    }
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

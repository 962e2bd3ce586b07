import type { FastifyRequest } from 'fastify';
import type { Actor, Guard, Right } from './actor.ts';
import { HttpError, loginRequired, projectUnknown } from './http-error.ts';

/** What somebody wants to do, as the audit calls it, and with which project. */
export type Wish = { readonly action: string; readonly project?: string };

/**
 * Resolves when they may. Rejects with PROJECT_UNKNOWN for a project that they may not even see, as for one that is not there (atk-64); else with
 * LOGIN_REQUIRED, or FORBIDDEN. What is refused to somebody with a name is noted, but that they looked is not: names that are not there would fill the audit.
 */
export const permit = async (guard: Guard, actor: Actor, right: Right, { action, project }: Wish): Promise<void> => {
  if (await guard.may(actor, right, project)) return;
  if (actor.kind !== 'anonymous' && right !== 'read') {
    await guard.note({ actor, action, outcome: 'refused', detail: { right }, ...(project === undefined ? {} : { project }) });
  }
  if (project !== undefined && !(await guard.may(actor, 'read', project))) throw projectUnknown(project);
  throw actor.kind === 'anonymous'
    ? loginRequired()
    : new HttpError('FORBIDDEN', 403, `This needs the right "${right}", which you have not.`);
};

/** A request as the audit calls it. */
export const actionOf = ({ method, routeOptions }: FastifyRequest): string => `${method} ${routeOptions.url ?? ''}`;

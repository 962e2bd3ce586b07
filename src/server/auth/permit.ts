import type { Actor, Guard, Right } from '../actor.ts';
import { AuthError, notFound } from './auth-error.ts';

/** What somebody wants to do, as the audit calls it, and with which project. */
export type Wish = { readonly action: string; readonly project?: string };

/**
 * Resolves when they may. Rejects with AuthError: NOT_FOUND for a project that they may not even see, as for one that is not there (atk-64);
 * LOGIN_REQUIRED, FORBIDDEN. What is refused to somebody with a name is noted.
 */
export const permit = async (guard: Guard, actor: Actor, right: Right, { action, project }: Wish): Promise<void> => {
  if (await guard.may(actor, right, project)) return;
  if (actor.kind !== 'anonymous') {
    await guard.note({ actor, action, outcome: 'refused', detail: { right }, ...(project === undefined ? {} : { project }) });
  }
  if (project !== undefined && !(await guard.may(actor, 'read', project))) throw notFound();
  throw actor.kind === 'anonymous' ? loginRequired() : new AuthError('FORBIDDEN', `This needs the right "${right}", which you have not.`);
};

export const loginRequired = (): AuthError => new AuthError('LOGIN_REQUIRED', 'Log in first.');

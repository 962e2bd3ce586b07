import { z } from 'zod';
import { idPart } from '../forge-path.ts';
import { type LoginWay, shownOr } from '../login-way.ts';
import { numericId } from '../payload.ts';

/** Hooks, deploy keys and statuses need `api`: there is no smaller scope. */
export const gitLabLogin: LoginWay = {
  kind: 'gitlab',
  title: 'GitLab',
  authorize: '/oauth/authorize',
  token: '/oauth/token',
  scopes: ['api'],
  person: async (http) => {
    const { id, username } = await http.ask({ purpose: 'say who this is', method: 'GET', path: '/user' }, personShape);
    return { id, login: username };
  },
  /** A level may come from the project, from a group above it, or from a group that was invited: GitLab itself says which is the highest. */
  roleAt: async (http, repository, person) => {
    const project = `/projects/${idPart(repository)}`;
    const [found, member] = await Promise.all([
      shownOr(http.ask({ purpose: 'show the project', method: 'GET', path: project }, projectShape)),
      shownOr(http.ask({ purpose: 'show a member', method: 'GET', path: `${project}/members/all/${idPart(person)}` }, memberShape)),
    ]);
    if (found === undefined) return 'none';
    const level = member?.access_level ?? 0;
    if (level >= levels.maintainer) return 'owner';
    if (level >= levels.developer) return 'writer';
    if (level >= levels.reporter) return 'reader';
    const isOpen = found.visibility !== 'private' && !['private', 'disabled'].includes(found.repository_access_level ?? 'enabled');
    return isOpen ? 'reader' : 'none';
  },
};

/** Guests, below reporters, do not see the code of a private project, and so not what its runs say of it. */
const levels = { reporter: 20, developer: 30, maintainer: 40 };

const personShape = z.object({ id: numericId, username: z.string().min(1) });
const projectShape = z.object({
  visibility: z.enum(['private', 'internal', 'public']),
  /** `private`: members alone see the code of a project that others see, too. */
  repository_access_level: z.string().optional(),
});
const memberShape = z.object({ access_level: z.int() });

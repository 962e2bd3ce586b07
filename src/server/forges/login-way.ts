import { z } from 'zod';
import type { Role } from '../../store/members.ts';
import { ForgeError } from './forge-error.ts';
import type { ForgeHttp } from './forge-http.ts';
import { idPart } from './forge-path.ts';
import { numericId } from './payload.ts';

/** How one kind of forge lets people log in with it (OAuth with PKCE), and what it is asked about them with the token that they gave. */
export type LoginWay = {
  readonly kind: 'github' | 'gitlab' | 'gitea';
  /** For people. */
  readonly title: string;
  /** Paths below the forge's own address. */
  readonly authorize: string;
  readonly token: string;
  /** What the tokens may do there: see who somebody is and what they may, make hooks, deploy keys and commit statuses. */
  readonly scopes: readonly string[];
  /** Whose token it is. Rejects with ForgeError. */
  person(http: ForgeHttp): Promise<{ readonly id: string; readonly login: string }>;
  /** By numeric ids, of the repository and of who the token is of. `none`: it is not to be seen with that token. Rejects with ForgeError when that is not known. */
  roleAt(http: ForgeHttp, repository: string, person: string): Promise<Role | 'none'>;
};

/** What the forge does not show, or not with this token, is `undefined`. */
export const shownOr = async <T>(asked: Promise<T>): Promise<T | undefined> => {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ForgeError && (error.code === 'FORGE_NOT_FOUND' || error.code === 'FORGE_REFUSED')) return undefined;
    throw error;
  }
};

/** GitHub's, which Gitea took over. */
export const gitHubLikeLogin: Pick<LoginWay, 'authorize' | 'token' | 'person' | 'roleAt'> = {
  authorize: '/login/oauth/authorize',
  token: '/login/oauth/access_token',
  person: (http) => http.ask({ purpose: 'say who this is', method: 'GET', path: '/user' }, personShape),
  roleAt: async (http, repository) => {
    const question = { purpose: 'show the repository', method: 'GET', path: `/repositories/${idPart(repository)}` } as const;
    const found = await shownOr(http.ask(question, repositoryShape));
    if (found === undefined) return 'none';
    const { admin, push, pull } = found.permissions;
    if (admin) return 'owner';
    if (push) return 'writer';
    return pull ? 'reader' : 'none';
  },
};

const personShape = z.object({ id: numericId, login: z.string().min(1) });
const repositoryShape = z.object({ permissions: z.object({ admin: z.boolean(), push: z.boolean(), pull: z.boolean() }) });

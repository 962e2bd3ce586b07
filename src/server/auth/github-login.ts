import { CodeChallengeMethod, OAuth2Client, OAuth2RequestError, generateCodeVerifier, generateState } from 'arctic';
import { z } from 'zod';
import type { Role } from '../../store/members.ts';
import { AuthError } from './auth-error.ts';

export type GithubOptions = {
  readonly clientId: string;
  readonly clientSecret: string;
  /** `https://github.com`. */
  readonly url: string;
  /** `https://api.github.com`. */
  readonly apiUrl: string;
  /** What the tokens may do there. */
  readonly scopes: readonly string[];
  /** Who may make an account by logging in: `known` nobody (an admin makes it, or its owner links it), `everybody` all that GitHub knows. */
  readonly join: 'known' | 'everybody';
};

/** To see who somebody is, add hooks and deploy keys. Private repositories need `repo`. */
export const defaultGithubScopes: readonly string[] = ['public_repo', 'admin:repo_hook'];

/** Logs in with GitHub: state and PKCE, one fixed address to come back to. Rejects with AuthError: FORGE_LOGIN_REFUSED or FORGE_UNREACHABLE. */
export type GithubLogin = {
  readonly apiUrl: string;
  readonly join: GithubOptions['join'];
  begin(): { readonly url: string; readonly state: string; readonly verifier: string };
  finish(code: string, verifier: string): Promise<GithubPerson>;
  /** By the repository's numeric id. `none`: it is not to be seen with that token, or the token is worth nothing. */
  roleAt(token: string, repository: string): Promise<Role | 'none'>;
};

export type GithubPerson = { readonly id: string; readonly login: string; readonly token: string };

const answerMs = 10_000;

export const githubLoginOf = (options: GithubOptions, redirectUri: string): GithubLogin => {
  const client = new OAuth2Client(options.clientId, options.clientSecret, redirectUri);

  const get = (path: string, token: string): Promise<Response> =>
    fetch(`${options.apiUrl}${path}`, {
      redirect: 'error',
      headers: { authorization: `Bearer ${token}`, accept: 'application/vnd.github+json', 'user-agent': 'cion' },
      signal: AbortSignal.timeout(answerMs),
    }).catch(unreachable);

  return {
    apiUrl: options.apiUrl,
    join: options.join,
    begin: () => {
      const [state, verifier] = [generateState(), generateCodeVerifier()];
      const url = client.createAuthorizationURLWithPKCE(`${options.url}/login/oauth/authorize`, state, CodeChallengeMethod.S256, verifier, [
        ...options.scopes,
      ]);
      return { url: url.href, state, verifier };
    },
    finish: async (code, verifier) => {
      const tokens = await inTime(client.validateAuthorizationCode(`${options.url}/login/oauth/access_token`, code, verifier)).catch(
        (error: unknown) => (error instanceof OAuth2RequestError ? undefined : unreachable()),
      );
      // GitHub says no with a 200 that has no token.
      const token = tokenAnswer.safeParse(tokens?.data).data?.access_token;
      if (token === undefined) throw refused();
      const answer = await get('/user', token);
      if (answer.status === 401) throw refused();
      if (!answer.ok) return unreachable();
      const { id, login } = person.parse(await answer.json());
      return { id: String(id), login, token };
    },
    roleAt: async (token, repository) => {
      const answer = await get(`/repositories/${encodeURIComponent(repository)}`, token);
      if ([401, 403, 404, 451].includes(answer.status)) return 'none';
      if (!answer.ok) return unreachable();
      const { permissions } = repositoryAnswer.parse(await answer.json());
      if (permissions.admin) return 'owner';
      if (permissions.push) return 'writer';
      return permissions.pull ? 'reader' : 'none';
    },
  };
};

const tokenAnswer = z.object({ access_token: z.string().min(1) });
const person = z.object({ id: z.int().positive(), login: z.string().min(1) });
const repositoryAnswer = z.object({ permissions: z.object({ admin: z.boolean(), push: z.boolean(), pull: z.boolean() }) });

const refused = (): AuthError => new AuthError('FORGE_LOGIN_REFUSED', 'The login with GitHub was refused or has run out. Begin it again.');

const unreachable = (): never => {
  throw new AuthError('FORGE_UNREACHABLE', 'GitHub does not answer as it should. Try again in a moment.');
};

/** The library waits for ever. */
const inTime = async <T>(work: Promise<T>): Promise<T> => {
  const signal = AbortSignal.timeout(answerMs);
  return Promise.race([work, new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new Error('too late'))))]);
};

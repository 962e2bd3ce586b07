import { CodeChallengeMethod, OAuth2Client, generateCodeVerifier, generateState } from 'arctic';
import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import type { Role } from '../../store/members.ts';
import { ForgeError } from '../forges/forge-error.ts';
import { forgeHttp } from '../forges/forge-http.ts';
import type { LoginWay } from '../forges/login-way.ts';
import { AuthError } from './auth-error.ts';

/** A server as an OAuth app of one forge. */
export type ForgeApp = {
  readonly clientId: string;
  readonly clientSecret: string;
  /** The forge's own: `https://github.com`. */
  readonly url: string;
  /** `https://api.github.com`. */
  readonly apiUrl: string;
  /** What its tokens may do there; absent: what is enough for public repositories, or the forge's least. */
  readonly scopes?: readonly string[];
  /** Who may make an account by logging in: `known` nobody (an admin makes it, or its owner links it), `everybody` all that the forge knows. */
  readonly join: 'known' | 'everybody';
};

/** Logs in with one forge: state and PKCE, one fixed address to come back to. Rejects with AuthError: FORGE_LOGIN_REFUSED or FORGE_UNREACHABLE. */
export type ForgeLogin = Pick<LoginWay, 'kind' | 'title'> &
  Pick<ForgeApp, 'apiUrl' | 'join'> & {
    begin(): { readonly url: string; readonly state: string; readonly verifier: string };
    finish(code: string, verifier: string): Promise<ForgePerson>;
    /** Another token in the place of one that has run out, for its `refresh`. */
    refresh(refresh: string): Promise<ForgeToken>;
    /** `none`: it is not to be seen with that token, or the token is worth nothing. */
    roleAt(token: string, repository: string, person: string): Promise<Role | 'none'>;
  };

export type ForgePerson = { readonly id: string; readonly login: string; readonly token: ForgeToken };

/** `until`: epoch ms; absent: until somebody takes it back. */
export type ForgeToken = { readonly access: string; readonly refresh?: string; readonly until?: number };

/** `https://ci.example.org/api/auth/<kind>/callback`: each forge has its own, so that none is answered in the place of another. */
export const callbackOf = (publicUrl: string, kind: LoginWay['kind']): string => new URL(`/api/auth/${kind}/callback`, publicUrl).href;

const answerMs = 10_000;

export const forgeLoginOf = (way: LoginWay, app: ForgeApp, redirectUri: string, clock: Clock): ForgeLogin => {
  const client = new OAuth2Client(app.clientId, app.clientSecret, redirectUri);
  const httpFor = (token: string) => forgeHttp({ url: app.apiUrl, token, clock });

  const refused = (): AuthError =>
    new AuthError('FORGE_LOGIN_REFUSED', `The login with ${way.title} was refused or has run out. Begin it again.`);
  const unreachable = (): AuthError =>
    new AuthError('FORGE_UNREACHABLE', `${way.title} does not answer as it should. Try again in a moment.`);

  const asked = <T>(answer: Promise<T>): Promise<T> =>
    answer.catch((error: unknown) => {
      if (error instanceof ForgeError) throw error.code === 'FORGE_REFUSED' ? refused() : unreachable();
      throw error;
    });

  /** Sends the app's secret to the forge alone: redirects are not followed. GitHub says no with a 200 that has no token. */
  const tokenFor = async (grant: Readonly<Record<string, string>>): Promise<ForgeToken> => {
    const answer = await fetch(`${app.url}${way.token}`, {
      method: 'POST',
      redirect: 'error',
      headers: { accept: 'application/json', authorization: basic(app), 'user-agent': 'cion' },
      body: new URLSearchParams({ ...grant, redirect_uri: redirectUri }),
      signal: AbortSignal.timeout(answerMs),
    }).catch(() => undefined);
    if (answer === undefined || answer.status >= 500 || answer.status === 429) throw unreachable();
    const { data } = tokenAnswer.safeParse(await answer.json().catch(() => undefined));
    if (!answer.ok || data === undefined) throw refused();
    return {
      access: data.access_token,
      ...(data.refresh_token ? { refresh: data.refresh_token } : {}),
      ...(data.expires_in ? { until: clock.now() + data.expires_in * 1000 } : {}),
    };
  };

  return {
    kind: way.kind,
    title: way.title,
    apiUrl: app.apiUrl,
    join: app.join,
    begin: () => {
      const [state, verifier] = [generateState(), generateCodeVerifier()];
      const scopes = [...(app.scopes ?? way.scopes)];
      const url = client.createAuthorizationURLWithPKCE(`${app.url}${way.authorize}`, state, CodeChallengeMethod.S256, verifier, scopes);
      return { url: url.href, state, verifier };
    },
    finish: async (code, verifier) => {
      const token = await tokenFor({ grant_type: 'authorization_code', code, code_verifier: verifier });
      return { ...(await asked(way.person(httpFor(token.access)))), token };
    },
    refresh: (refresh) => tokenFor({ grant_type: 'refresh_token', refresh_token: refresh }),
    roleAt: (token, repository, person) => asked(way.roleAt(httpFor(token), repository, person)),
  };
};

const basic = ({ clientId, clientSecret }: ForgeApp): string => `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;

const tokenAnswer = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().nullish(),
  expires_in: z.number().positive().nullish(),
});

import { hostname } from 'node:os';
import type { z } from 'zod';
import { loginWays, meAnswer, refusalAnswer } from '../api/auth.ts';
import { type ApiClient, apiClient } from '../api/client.ts';
import { unverified } from '../api/unverified-error.ts';
import { serverFetch } from './remote/server-fetch.ts';
import { Refusal } from './refusal.ts';

/** Who a token is. Throws a Refusal when the server does not take it, or does not answer. */
export const whoIs = async (url: string, token: string): Promise<z.infer<typeof meAnswer>> =>
  meAnswer.parse(await ask(url, 'GET', '/api/auth/me', { authorization: `Bearer ${token}` }).then(({ body }) => body));

/** Logs in for a moment and makes a token of the account for this machine, with all rights but that of an admin, or with that too. */
export const tokenByPassword = async (url: string, name: string, password: string, isAdmin = false): Promise<string> => {
  return withLogin(url, name, password, (session) => tokenOfSession(session, isAdmin));
};

/** Makes the first account of a server, an admin, and a token of it for this machine; `setupToken`: what the server printed when it started. */
export const tokenBySetup = async (url: string, setupToken: string, name: string, password: string): Promise<string> => {
  const { cookie } = await ask(url, 'POST', '/api/auth/setup', {}, { token: setupToken, name, password });
  return inSession(url, cookie, (session) => tokenOfSession(session, true));
};

/** How one can log in there, and whether nobody has an account yet. */
export const waysToLogin = async (url: string): Promise<z.infer<typeof loginWays>> =>
  loginWays.parse((await ask(url, 'GET', '/api/auth', {})).body);

/** Logs in for a moment, for what no token can do. */
export const withLogin = async <T>(url: string, name: string, password: string, use: (session: ApiClient) => Promise<T>): Promise<T> => {
  const { cookie } = await ask(url, 'POST', '/api/auth/login', {}, { name, password });
  return inSession(url, cookie, use);
};

/** A session that cannot be ended now ends by itself: what was done in it counts. */
const inSession = async <T>(url: string, cookie: string, use: (session: ApiClient) => Promise<T>): Promise<T> => {
  const session = { cookie, 'sec-fetch-site': 'same-origin' };
  const fetch = serverFetch(url);
  try {
    return await use(apiClient({ url, fetch: (input, init) => fetch(input, { ...init, headers: { ...init?.headers, ...session } }) }));
  } finally {
    await ask(url, 'POST', '/api/auth/logout', session).catch(() => undefined);
  }
};

const tokenOfSession = async (session: ApiClient, isAdmin: boolean): Promise<string> => {
  const { token } = await session.makeToken({
    name: `cion login on ${hostname()}`.slice(0, 100),
    scopes: ['read', 'run', 'decide', 'secrets', 'settings', ...(isAdmin ? (['admin'] as const) : [])],
  });
  return token;
};

const answerMs = 30_000;

/** Not a page, so it says by itself that it is none of another site; a redirect would take what is sent to somebody else. */
const ask = async (
  url: string,
  method: 'GET' | 'POST',
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: object,
): Promise<{ readonly body: unknown; readonly cookie: string }> => {
  const answer = await fetch(`${url}${path}`, {
    method,
    redirect: 'error',
    headers: {
      'x-cion': '1',
      'sec-fetch-site': 'same-origin',
      ...headers,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(answerMs),
  }).catch((error: unknown) => {
    throw (
      unverified(url, error) ??
      new Refusal('SERVER_UNREACHABLE', `${url} cannot be reached: ${reasonOf(error)}.`, 'Check the address and the network.')
    );
  });
  const text = await answer.text();
  const found = parsed(text);
  if (!answer.ok) {
    const said = refusalAnswer.safeParse(found).data;
    const message = said === undefined ? `${url} answered ${answer.status}; it seems to be no server of cion.` : said.message;
    throw new Refusal('SERVER_REFUSED', message, said === undefined ? 'Check the address.' : undefined);
  }
  return {
    body: found,
    cookie: answer.headers
      .getSetCookie()
      .flatMap((line) => line.split(';', 1))
      .join('; '),
  };
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `it does not answer within ${answerMs / 1000} s`;
  const { cause } = error;
  return cause instanceof Error ? ('code' in cause ? String(cause.code) : cause.message) : error.message;
};

import { createHash, randomBytes } from 'node:crypto';
import type { StandInAnswer, StandInRequest, StandInServer } from './stand-in-server.ts';

/** The OAuth pages of a forge: codes that are good once, with PKCE, and, where tokens run out, others in their place, each good once too. */
export type OAuthPages = {
  readonly app: { readonly clientId: string; readonly clientSecret: string };
  /** Who sits at the browser, by their number, and what they answer when the forge asks whether the app may. */
  readonly person: { user: string | undefined; says: 'yes' | 'no' };
  /** The only address of the app that the forge leads back to; `undefined`: any. */
  readonly callback: { url: string | undefined };
  /** What time it is there, epoch ms. */
  readonly clock: { now: () => number };
  readonly paths: { readonly authorize: string; readonly token: string };
  /** Access tokens, and whose they are. */
  readonly tokens: Map<string, { readonly user: string; readonly until?: number }>;
  /** Whose token a request has, while it is good. */
  userOf(request: StandInRequest): string | undefined;
};

export type OAuthKind = {
  readonly paths: OAuthPages['paths'];
  /** Of a refusal: GitHub says no with a 200. */
  readonly refusal: number;
  /** How long a token is good, and that another can be had then; absent: for ever. */
  readonly livesMs?: number;
};

type Code = { readonly user: string; readonly redirectUri: string; readonly challenge: string | undefined };

export const oauthPages = (server: StandInServer, { paths, refusal, livesMs }: OAuthKind): OAuthPages => {
  const codes = new Map<string, Code>();
  const refreshes = new Map<string, { readonly user: string; readonly access: string }>();
  const pages: OAuthPages = {
    app: { clientId: 'app.stand-in', clientSecret: randomBytes(20).toString('hex') },
    person: { user: undefined, says: 'yes' },
    callback: { url: undefined },
    clock: { now: Date.now },
    paths,
    tokens: new Map(),
    userOf: ({ headers }) => {
      const [, text = ''] = /^(?:Bearer|token) (\S+)$/i.exec(headers.authorization ?? '') ?? [];
      const token = pages.tokens.get(text);
      return token === undefined || pages.clock.now() >= (token.until ?? Infinity) ? undefined : token.user;
    },
  };
  const refused = (error: string): StandInAnswer => ({ status: refusal, body: { error, error_description: 'It is refused.' } });

  server.route('GET', paths.authorize, ({ query }) => {
    const redirectUri = query.get('redirect_uri') ?? '';
    if (query.get('client_id') !== pages.app.clientId || query.get('response_type') !== 'code') return { status: 404 };
    if (pages.callback.url !== undefined && redirectUri !== pages.callback.url) return { status: 400, body: 'redirect_uri mismatch' };
    const back = new URL(redirectUri);
    const state = query.get('state');
    if (state !== null) back.searchParams.set('state', state);
    const { user, says } = pages.person;
    if (user === undefined || says === 'no') {
      back.searchParams.set('error', 'access_denied');
      back.searchParams.set('error_description', 'The user has denied your application access.');
    } else {
      const code = randomBytes(10).toString('hex');
      codes.set(code, { user, redirectUri, challenge: query.get('code_challenge') ?? undefined });
      back.searchParams.set('code', code);
    }
    return { status: 302, headers: { location: back.href } };
  });

  const given = (user: string): StandInAnswer => {
    const access = `oauth_${randomBytes(18).toString('hex')}`;
    const refresh = `again_${randomBytes(18).toString('hex')}`;
    pages.tokens.set(access, { user, ...(livesMs === undefined ? {} : { until: pages.clock.now() + livesMs }) });
    if (livesMs !== undefined) refreshes.set(refresh, { user, access });
    const more = livesMs === undefined ? {} : { refresh_token: refresh, expires_in: livesMs / 1000 };
    return { status: 200, body: { access_token: access, token_type: 'bearer', ...more } };
  };

  server.route('POST', paths.token, ({ headers, body }) => {
    const form = new URLSearchParams(body.toString());
    const [id, secret] = Buffer.from((headers.authorization ?? '').replace(/^Basic /, ''), 'base64')
      .toString()
      .split(':');
    if (id !== pages.app.clientId || secret !== pages.app.clientSecret) return refused('invalid_client');
    if (form.get('grant_type') === 'refresh_token') {
      const known = refreshes.get(form.get('refresh_token') ?? '');
      if (known === undefined) return refused('invalid_grant');
      refreshes.delete(form.get('refresh_token') ?? '');
      pages.tokens.delete(known.access);
      return given(known.user);
    }
    const code = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (form.get('grant_type') !== 'authorization_code' || code === undefined || code.challenge !== challenge)
      return refused('invalid_grant');
    return form.get('redirect_uri') === code.redirectUri ? given(code.user) : refused('invalid_grant');
  });

  return pages;
};

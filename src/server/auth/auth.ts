import { fastifyCookie } from '@fastify/cookie';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Actor } from '../actor.ts';
import { accountRoutes } from './account-routes.ts';
import type { AuthContext } from './auth-context.ts';
import { cookiesOf } from './cookies.ts';
import { forgeRoutes } from './forge-routes.ts';
import { formTokenOf } from './form-token.ts';
import { identifyOf } from './identify.ts';
import { loginPage } from './login-page.ts';
import { loginRoutes } from './login-routes.ts';
import { type Passwords, passwordsOf } from './password.ts';
import { defaultTimes, sessionLifeOf, type SessionTimes } from './session-life.ts';
import { throttleOf } from './throttle.ts';
import { tokenPage } from './token-page.ts';
import { tokenRoutes } from './token-routes.ts';

export type AuthDeps = Pick<
  AuthContext,
  'accounts' | 'members' | 'sessions' | 'tokens' | 'audit' | 'guard' | 'sealer' | 'clock' | 'setup' | 'logins' | 'forgeTokens'
> & {
  /** How browsers reach the server: `https://ci.example.org`. */
  readonly publicUrl: string;
  readonly workerToken?: AuthContext['workerToken'];
  readonly times?: SessionTimes;
  readonly passwords?: Passwords;
};

export type Auth = {
  /** The routes of logins, tokens, accounts, members and the audit. What they throw has `statusCode`, `code` and a message for people. */
  readonly plugin: FastifyPluginAsync;
  /** Who a request is from, in any route of the app. Rejects with AuthError for one that pretends, or that another page made (atk-62). */
  actorOf(request: FastifyRequest): Promise<Actor>;
  /** What a form has to have in the field `page` so that the session of this request can send it; `undefined`: there is no session. */
  formTokenOf(request: FastifyRequest): Promise<string | undefined>;
};

export const authOf = (deps: AuthDeps): Auth => {
  const { accounts, sessions, tokens, clock, publicUrl, logins, times = defaultTimes, passwords = passwordsOf() } = deps;
  const cookies = cookiesOf(publicUrl);
  const { origin } = new URL(publicUrl);
  const sessionLife = sessionLifeOf(sessions, clock, times);
  const identityOf = identifyOf({ accounts, tokens, sessions: sessionLife, cookies, origin, clock });
  const context: AuthContext = { ...deps, times, passwords, throttle: throttleOf(clock), sessionLife, cookies, origin, identityOf };

  return {
    plugin: async (app) => {
      if (!app.hasDecorator('serializeCookie')) await app.register(fastifyCookie);
      app.setValidatorCompiler(validatorCompiler);
      app.setSerializerCompiler(serializerCompiler);
      app.addHook('onSend', async (_request, reply) => {
        reply.header('cache-control', 'no-store');
      });
      const typed = app.withTypeProvider<ZodTypeProvider>();
      await loginRoutes(context)(typed);
      await tokenRoutes(context)(typed);
      await accountRoutes(context)(typed);
      await loginPage(context)(typed);
      await tokenPage(context)(typed);
      for (const login of logins) await forgeRoutes(context, login)(typed);
    },
    actorOf: async (request) => (await identityOf(request)).actor,
    formTokenOf: async (request) => {
      const cookie = cookies.of(request, cookies.session);
      return cookie !== undefined && (await identityOf(request)).by === 'session' ? formTokenOf(cookie) : undefined;
    },
  };
};

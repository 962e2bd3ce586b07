import { loginRequired } from '../http-error.ts';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { loginRequest, loginWays, meAnswer, passwordRequest, sessionRow, setupRequest } from '../../api/auth.ts';
import type { Account } from '../../store/accounts.ts';
import { type AuthContext, beginSession, checkOurs, sessionOf } from './auth-context.ts';
import { AuthError } from './auth-error.ts';
import { newId } from './bearer.ts';
import { checkFresh } from './fresh-login.ts';
import { networkOf } from './network-of.ts';
import { checkPassword } from './password.ts';
import { empty, idParams, type Routes, throttled } from './routes.ts';

/** The first admin, logging in and out, and what one has open. */
export const loginRoutes = (context: AuthContext): Routes => {
  const { accounts, sessions, guard, passwords, throttle, setup, clock, logins, cookies, identityOf } = context;

  return async (app) => {
    app.get('/api/auth', { schema: { response: { 200: loginWays } } }, async () => ({
      setup: setup.isOpen(),
      ways: ['password' as const, ...logins.map(({ kind }) => kind)],
    }));

    app.post('/api/auth/setup', { schema: { body: setupRequest, response: { 201: meAnswer } } }, async (request, reply) => {
      checkOurs(request, context);
      const { token, name, password } = request.body;
      const keys = [{ key: `setup ${networkOf(request.ip)}`, free: 5, longestMs: 15 * minute }];
      throttled(reply, throttle.begin(keys));
      if (!setup.isRight(token)) throw await refusedSetup(request);
      throttle.passed(keys);
      checkPassword(password, name);
      const account: Account = {
        id: newId('acc'),
        name,
        isAdmin: true,
        isClosed: false,
        password: await passwords.hash(password),
        forges: [],
        createdAt: clock.now(),
      };
      if (!(await accounts.addFirst(account))) throw await refusedSetup(request);
      setup.spend();
      await beginSession(request, reply, account, context, { by: 'setup' });
      return reply.code(201).send(meOf(account));
    });

    app.post('/api/auth/login', { schema: { body: loginRequest, response: { 200: meAnswer } } }, async (request, reply) => {
      checkOurs(request, context);
      const name = request.body.name.toLowerCase();
      const keys = guessKeys(name, networkOf(request.ip));
      throttled(reply, throttle.begin(keys));
      const found = await accounts.find({ name });
      const account = found?.isClosed === true ? undefined : found;
      if (!(await passwords.verify(request.body.password, account?.password)) || account === undefined) {
        const who = found === undefined ? {} : { account: found.id };
        await noteRefused(request, 'login', who);
        throw new AuthError('LOGIN_REFUSED', 'The name or the password is wrong.');
      }
      throttle.passed(keys);
      await beginSession(request, reply, account, context, { by: 'password' });
      return meOf(account);
    });

    app.post('/api/auth/logout', { schema: { response: { 204: empty } } }, async (request, reply) => {
      const identity = await identityOf(request);
      if (identity.by === 'session') {
        await sessions.end({ hash: identity.session });
        await guard.note({ actor: identity.actor, action: 'logout', outcome: 'done', detail: {} });
      }
      cookies.end(reply, cookies.session);
      return reply.code(204).send();
    });

    app.get('/api/auth/me', { schema: { response: { 200: meAnswer } } }, async (request) => {
      const identity = await identityOf(request);
      if (identity.by !== 'session' && identity.by !== 'token') throw loginRequired();
      const { scopes, project } = identity.actor;
      return { ...meOf(identity.account), ...(scopes === undefined ? {} : { scopes: [...scopes] }), project };
    });

    app.post('/api/auth/password', { schema: { body: passwordRequest, response: { 204: empty } } }, async (request, reply) => {
      const { account, actor, session, since } = await sessionOf(request, context);
      if (account.password === undefined) checkFresh({ since }, clock, 'have a password');
      const keys = guessKeys(account.name, networkOf(request.ip));
      throttled(reply, throttle.begin(keys));
      if (account.password !== undefined && !(await passwords.verify(request.body.current ?? '', account.password))) {
        await noteRefused(request, 'password.change', { account: account.id });
        throw new AuthError('LOGIN_REFUSED', 'The current password is wrong.');
      }
      throttle.passed(keys);
      checkPassword(request.body.password, account.name);
      const password = await passwords.hash(request.body.password);
      await accounts.change(account.id, (before) => ({ ...before, password }));
      await sessions.end({ account: account.id, but: session });
      await guard.note({ actor, action: 'password.change', outcome: 'done', detail: {} });
      return reply.code(204).send();
    });

    app.get('/api/auth/sessions', { schema: { response: { 200: sessionRow.array() } } }, async (request) => {
      const { account, session } = await sessionOf(request, context);
      return (await sessions.list(account.id)).map((one) => ({ ...one, isThis: one.hash === session }));
    });

    app.delete('/api/auth/sessions', { schema: { response: { 204: empty } } }, async (request, reply) => {
      const { account, actor, session } = await sessionOf(request, context);
      await sessions.end({ account: account.id, but: session });
      await guard.note({ actor, action: 'sessions.end', outcome: 'done', detail: {} });
      return reply.code(204).send();
    });

    app.delete('/api/auth/sessions/:id', { schema: { params: idParams, response: { 204: empty } } }, async (request, reply) => {
      const { account, actor } = await sessionOf(request, context);
      await sessions.end({ account: account.id, id: request.params.id });
      await guard.note({ actor, action: 'sessions.end', outcome: 'done', detail: { session: request.params.id } });
      return reply.code(204).send();
    });
  };

  async function noteRefused(request: FastifyRequest, action: string, detail: Readonly<Record<string, string>>): Promise<void> {
    await guard.note({ actor: (await identityOf(request)).actor, action, outcome: 'refused', detail: { ...detail, address: request.ip } });
  }

  async function refusedSetup(request: FastifyRequest): Promise<AuthError> {
    await noteRefused(request, 'setup', {});
    return new AuthError(
      'SETUP_REFUSED',
      'This is not the setup token that the server printed when it started, or there is an admin already.',
    );
  }
};

const minute = 60_000;

const guessKeys = (name: string, network: string) => [
  { key: `${name} from ${network}`, free: 5, longestMs: 15 * minute },
  { key: `name ${name}`, free: 50, longestMs: minute },
  { key: `network ${network}`, free: 30, longestMs: 15 * minute },
];

const meOf = ({ id, name, isAdmin, forges, password }: Account): z.input<typeof meAnswer> => ({
  account: id,
  name,
  isAdmin,
  forges: [...forges],
  hasPassword: password !== undefined,
});

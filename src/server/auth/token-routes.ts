import { rightSchema, tokenMade, tokenRequest, tokenRow, workerTokenRequest, workerTokenRow } from '../../api/auth.ts';
import type { Token } from '../../store/tokens.ts';
import { type AuthContext, sessionOf } from './auth-context.ts';
import { notFound } from './auth-error.ts';
import { hashOf, newBearer, newId } from './bearer.ts';
import { permit } from '../permit.ts';
import { empty, idParams, type Routes } from './routes.ts';

/** Tokens of accounts, which only their owner makes and sees, and of workers, which admins make. A token is shown when it is made and never again. */
export const tokenRoutes = (context: AuthContext): Routes => {
  const { tokens, guard, clock, identityOf, workerToken = (bearer) => bearer } = context;
  const make = async (what: { readonly name: string; readonly days: number | undefined; readonly of: Token['of'] }) => {
    const token = newBearer(what.of.kind);
    const now = clock.now();
    const id = newId('tok');
    await tokens.add({
      id,
      hash: hashOf(token),
      name: what.name,
      of: what.of,
      createdAt: now,
      ...(what.days === undefined ? {} : { expiresAt: now + what.days * dayMs }),
    });
    return { id, token };
  };

  return async (app) => {
    app.get('/api/auth/tokens', { schema: { response: { 200: tokenRow.array() } } }, async (request) => {
      const { account } = await sessionOf(request, context);
      return (await tokens.list({ account: account.id })).flatMap(({ of, ...token }) =>
        of.kind === 'account' ? [{ ...token, scopes: rightSchema.array().parse(of.scopes), project: of.project }] : [],
      );
    });

    app.post('/api/auth/tokens', { schema: { body: tokenRequest, response: { 201: tokenMade } } }, async (request, reply) => {
      const { account, actor } = await sessionOf(request, context);
      const { name, scopes, project, expiresInDays } = request.body;
      if (project !== undefined) await permit(guard, actor, 'read', { action: 'token.make', project });
      const made = await make({
        name,
        days: expiresInDays,
        of: { kind: 'account', account: account.id, scopes, ...(project === undefined ? {} : { project }) },
      });
      await guard.note({ actor, action: 'token.make', outcome: 'done', detail: { token: made.id, name, scopes: scopes.join(' ') } });
      return reply.code(201).send(made);
    });

    app.delete('/api/auth/tokens/:id', { schema: { params: idParams, response: { 204: empty } } }, async (request, reply) => {
      const { account, actor } = await sessionOf(request, context);
      if (!(await tokens.remove(request.params.id, { account: account.id }))) throw notFound();
      await guard.note({ actor, action: 'token.revoke', outcome: 'done', detail: { token: request.params.id } });
      return reply.code(204).send();
    });

    app.get('/api/workers/tokens', { schema: { response: { 200: workerTokenRow.array() } } }, async (request) => {
      await permit(guard, (await identityOf(request)).actor, 'admin', { action: 'worker-token.list' });
      return (await tokens.list('workers')).flatMap(({ of, ...token }) => (of.kind === 'worker' ? [{ ...token, worker: of.worker }] : []));
    });

    app.post('/api/workers/tokens', { schema: { body: workerTokenRequest, response: { 201: tokenMade } } }, async (request, reply) => {
      const { actor } = await identityOf(request);
      await permit(guard, actor, 'admin', { action: 'worker-token.make' });
      const { name, worker, expiresInDays } = request.body;
      const made = await make({ name, days: expiresInDays, of: { kind: 'worker', ...(worker === undefined ? {} : { worker }) } });
      await guard.note({ actor, action: 'worker-token.make', outcome: 'done', detail: { token: made.id, name, worker: worker ?? '' } });
      return reply.code(201).send({ ...made, token: workerToken(made.token) });
    });

    app.delete('/api/workers/tokens/:id', { schema: { params: idParams, response: { 204: empty } } }, async (request, reply) => {
      const { actor } = await identityOf(request);
      await permit(guard, actor, 'admin', { action: 'worker-token.revoke' });
      if (!(await tokens.remove(request.params.id, 'workers'))) throw notFound();
      await guard.note({ actor, action: 'worker-token.revoke', outcome: 'done', detail: { token: request.params.id } });
      return reply.code(204).send();
    });
  };
};

const dayMs = 86_400_000;

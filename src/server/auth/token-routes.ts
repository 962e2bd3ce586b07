import { rightSchema, tokenMade, tokenRequest, tokenRow, workerTokenRequest, workerTokenRow } from '../../api/auth.ts';
import type { AuthContext } from './auth-context.ts';
import { tokenNotFound } from './auth-error.ts';
import { hashOf, newBearer, newId } from './bearer.ts';
import { permit } from '../permit.ts';
import { empty, idParams, type Routes } from './routes.ts';
import { makeAccountToken, revokeAccountToken, tokenOwnerOf, tokensOf } from './token-owner.ts';

/** Tokens of accounts, which only their owner makes and sees, and of workers, which admins make. A token is shown when it is made and never again. */
export const tokenRoutes = (context: AuthContext): Routes => {
  const { tokens, guard, clock, identityOf, workerToken = (bearer) => bearer } = context;

  return async (app) => {
    app.get('/api/auth/tokens', { schema: { response: { 200: tokenRow.array() } } }, async (request) => {
      return (await tokens.list(tokensOf(await tokenOwnerOf(request, context)))).flatMap(({ of, ...token }) =>
        of.kind === 'account' ? [{ ...token, scopes: rightSchema.array().parse(of.scopes), project: of.project }] : [],
      );
    });

    app.post('/api/auth/tokens', { schema: { body: tokenRequest, response: { 201: tokenMade } } }, async (request, reply) => {
      return reply.code(201).send(await makeAccountToken(await tokenOwnerOf(request, context), request.body, context));
    });

    app.delete('/api/auth/tokens/:id', { schema: { params: idParams, response: { 204: empty } } }, async (request, reply) => {
      await revokeAccountToken(await tokenOwnerOf(request, context), request.params.id, context);
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
      const token = newBearer('worker');
      const id = newId('tok');
      const createdAt = clock.now();
      await tokens.add({
        id,
        hash: hashOf(token),
        name,
        of: { kind: 'worker', ...(worker === undefined ? {} : { worker }) },
        createdAt,
        ...(expiresInDays === undefined ? {} : { expiresAt: createdAt + expiresInDays * dayMs }),
      });
      await guard.note({ actor, action: 'worker-token.make', outcome: 'done', detail: { token: id, name, worker: worker ?? '' } });
      return reply.code(201).send({ id, token: workerToken(token) });
    });

    app.delete('/api/workers/tokens/:id', { schema: { params: idParams, response: { 204: empty } } }, async (request, reply) => {
      const { actor } = await identityOf(request);
      await permit(guard, actor, 'admin', { action: 'worker-token.revoke' });
      if (!(await tokens.remove(request.params.id, 'workers'))) throw tokenNotFound();
      await guard.note({ actor, action: 'worker-token.revoke', outcome: 'done', detail: { token: request.params.id } });
      return reply.code(204).send();
    });
  };
};

const dayMs = 86_400_000;

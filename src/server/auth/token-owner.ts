import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { tokenRequest } from '../../api/auth.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Account } from '../../store/accounts.ts';
import type { Token } from '../../store/tokens.ts';
import { loginRequired } from '../http-error.ts';
import { permit } from '../permit.ts';
import type { AuthContext } from './auth-context.ts';
import { AuthError, tokenNotFound } from './auth-error.ts';
import { hashOf, newBearer, newId } from './bearer.ts';
import { isFresh, staleLogin } from './fresh-login.ts';
import type { AccountActor } from './identify.ts';

/** Who makes, sees and ends tokens of an account: its owner with a session, or a token with the right `tokens` (docs/adr/0085-tokens-without-a-password.md). */
export type TokenOwner = {
  readonly account: Account;
  readonly actor: AccountActor;
} & ({ readonly by: 'session' /** Its log-in, epoch ms. */; readonly since: number } | { readonly by: 'token'; readonly token: Token });

export const tokenOwnerOf = async (request: FastifyRequest, { identityOf }: Pick<AuthContext, 'identityOf'>): Promise<TokenOwner> => {
  const identity = await identityOf(request);
  if (identity.by === 'session' || (identity.by === 'token' && identity.actor.scopes?.includes('tokens') === true)) return identity;
  throw identity.by === 'nothing' ? loginRequired() : new AuthError('FORBIDDEN', 'This needs a login, or a token with the right "tokens".');
};

/** Which tokens are theirs to see and to end: a token has those that it made. */
export const tokensOf = (owner: TokenOwner): { readonly account: string; readonly madeBy?: string } => ({
  account: owner.account.id,
  ...(owner.by === 'token' ? { madeBy: owner.token.id } : {}),
});

export type MadeToken = { readonly id: string; readonly token: string; readonly expiresAt: number };

/**
 * What a token makes may no more than it, is for the same project, ends with it at the latest, is gone when it is revoked, and makes no further ones (atk-65).
 * Rejects with FORBIDDEN, or with LOGIN_STALE for a session that is not fresh.
 */
export const makeAccountToken = async (
  owner: TokenOwner,
  { name, scopes, project, expiresInDays }: z.output<typeof tokenRequest>,
  { tokens, guard, clock }: Pick<AuthContext, 'tokens' | 'guard' | 'clock'>,
): Promise<MadeToken> => {
  const { account, actor } = owner;
  const now = clock.now();
  const detail = { name, scopes: scopes.join(' '), ...(owner.by === 'token' ? { by: owner.token.id } : {}) };
  const no = whyNot(owner, { scopes, project }, clock);
  if (no !== undefined) {
    await guard.note({ actor, action: 'token.make', outcome: 'refused', detail });
    throw no;
  }
  if (project !== undefined) await permit(guard, actor, 'read', { action: 'token.make', project });
  const token = newBearer('account');
  const id = newId('tok');
  const asked = now + expiresInDays * dayMs;
  const expiresAt = owner.by === 'token' ? Math.min(asked, owner.token.expiresAt ?? asked) : asked;
  await tokens.add({
    id,
    hash: hashOf(token),
    name,
    of: { kind: 'account', account: account.id, scopes, ...(project === undefined ? {} : { project }) },
    createdAt: now,
    expiresAt,
    ...(owner.by === 'token' ? { madeBy: owner.token.id } : {}),
  });
  await guard.note({ actor, action: 'token.make', outcome: 'done', detail: { token: id, ...detail } });
  return { id, token, expiresAt };
};

/** With those that it made. Rejects with NOT_FOUND. */
export const revokeAccountToken = async (
  owner: TokenOwner,
  id: string,
  { tokens, guard }: Pick<AuthContext, 'tokens' | 'guard'>,
): Promise<void> => {
  if (!(await tokens.remove(id, tokensOf(owner)))) throw tokenNotFound();
  await guard.note({ actor: owner.actor, action: 'token.revoke', outcome: 'done', detail: { token: id } });
};

const whyNot = (
  owner: TokenOwner,
  { scopes, project }: Pick<z.output<typeof tokenRequest>, 'scopes' | 'project'>,
  clock: Pick<Clock, 'now'>,
): AuthError | undefined => {
  if (owner.by === 'session') return isFresh(owner, clock) ? undefined : staleLogin('make a token');
  const { scopes: own = [], project: only } = owner.actor;
  if (scopes.includes('tokens'))
    return new AuthError('FORBIDDEN', 'What a token makes cannot make tokens itself: make that one with a login.');
  const more = scopes.filter((scope) => !own.includes(scope));
  if (more.length > 0)
    return new AuthError('FORBIDDEN', `A token makes none that may more than itself, and this one has not: ${more.join(', ')}.`);
  if (only !== undefined && project !== only)
    return new AuthError('FORBIDDEN', `This token is for ${only} alone, and so is what it makes.`);
  return undefined;
};

const dayMs = 86_400_000;

import type { FastifyRequest } from 'fastify';
import type { Clock } from '../../lib/clock.ts';
import type { Account, AccountStore } from '../../store/accounts.ts';
import { rightSchema, workerName } from '../../api/auth.ts';
import type { Token, TokenStore } from '../../store/tokens.ts';
import type { Actor } from '../actor.ts';
import { AuthError } from './auth-error.ts';
import { hasBearer, hashOf } from './bearer.ts';
import type { Cookies } from './cookies.ts';
import { hasFormToken } from './form-token.ts';
import { changesState, isOurs } from './same-origin.ts';
import type { SessionLife } from './session-life.ts';

/** Who a request is from, and by what it says so. `since`: when they logged in, epoch ms. */
export type Identity =
  | { readonly by: 'nothing'; readonly actor: Extract<Actor, { readonly kind: 'anonymous' }> }
  | { readonly by: 'session'; readonly actor: AccountActor; readonly account: Account; readonly session: string; readonly since: number }
  | { readonly by: 'token'; readonly actor: AccountActor; readonly account: Account; readonly token: Token }
  | { readonly by: 'worker-token'; readonly actor: Extract<Actor, { readonly kind: 'worker' }> };

export type AccountActor = Extract<Actor, { readonly kind: 'account' }>;

const nobody: Identity = { by: 'nothing', actor: { kind: 'anonymous' } };

/** The header in which a worker says its name: a token that stands for none yet stands for that one from then on. */
export const workerHeader = 'cion-worker';

export type IdentifyDeps = {
  readonly accounts: Pick<AccountStore, 'get'>;
  readonly tokens: Pick<TokenStore, 'find' | 'used' | 'bind'>;
  readonly sessions: Pick<SessionLife, 'find'>;
  readonly cookies: Cookies;
  /** Of our own address. */
  readonly origin: string;
  readonly clock: Pick<Clock, 'now'>;
};

/** How old `usedAt` may be, so that not each request is a write. */
const usedEveryMs = 60_000;

/**
 * Who asks: the Authorization header counts, else the session of the cookie, and that changes nothing unless the request comes from a page of
 * ours (atk-62). A token of ours that is not good is refused; a header that is not ours (of a hook) and a session that is over are nobody's.
 * Each request is asked once, however often it is asked about. Rejects with AuthError.
 */
export const identifyOf = ({ accounts, tokens, sessions, cookies, origin, clock }: IdentifyDeps) => {
  const bySession = async (request: FastifyRequest): Promise<Identity> => {
    const cookie = cookies.of(request, cookies.session);
    const session = cookie === undefined ? undefined : await sessions.find(cookie);
    const account = session === undefined ? undefined : await accounts.get(session.account);
    if (session === undefined || account === undefined || account.isClosed) return nobody;
    const stamped = cookie !== undefined && hasFormToken(request.body, cookie);
    if (changesState(request.method) && !isOurs(request.headers, origin, { proven: true, stamped })) {
      throw new AuthError('FOREIGN_REQUEST', 'A request that changes something with a login has to come from a page of this server.');
    }
    return { by: 'session', account, session: session.hash, since: session.createdAt, actor: actorOfAccount(account) };
  };

  const byToken = async (text: string, header: string | string[] | undefined): Promise<Identity> => {
    const now = clock.now();
    const token = await tokens.find(hashOf(text));
    if (token === undefined || (token.expiresAt !== undefined && token.expiresAt <= now)) throw invalid();
    const identity = token.of.kind === 'worker' ? await ofWorker(token, token.of.worker, header) : await ofAccount(token, token.of);
    if (now - (token.usedAt ?? 0) >= usedEveryMs) await tokens.used(token.id, now);
    return identity;
  };

  const ofAccount = async (
    token: Token,
    { account: id, scopes, project }: Extract<Token['of'], { readonly kind: 'account' }>,
  ): Promise<Identity> => {
    const account = await accounts.get(id);
    if (account === undefined || account.isClosed) throw invalid();
    const rights = rightSchema.array().parse(scopes);
    return {
      by: 'token',
      account,
      token,
      actor: { ...actorOfAccount(account), scopes: rights, ...(project === undefined ? {} : { project }) },
    };
  };

  const ofWorker = async (token: Token, bound: string | undefined, said: string | string[] | undefined): Promise<Identity> => {
    const name = said ?? bound;
    if (!workerName.safeParse(name).success || typeof name !== 'string') throw namesNoWorker();
    const owner = bound ?? (await tokens.bind(token.id, name));
    if (owner === undefined) throw invalid();
    if (owner !== name) throw otherWorker(owner, name);
    return { by: 'worker-token', actor: { kind: 'worker', worker: name } };
  };

  const identify = async (request: FastifyRequest): Promise<Identity> => {
    if (hasBearer(request.url)) {
      throw new AuthError(
        'TOKEN_IN_URL',
        'A token does not belong in an address, where logs keep it. Revoke it, and send a new one as header.',
      );
    }
    const { authorization } = request.headers;
    if (authorization === undefined) return bySession(request);
    const [, text] = /^Bearer +(cion_\S*) *$/i.exec(authorization) ?? [];
    return text === undefined ? nobody : byToken(text, request.headers[workerHeader]);
  };

  const known = new WeakMap<FastifyRequest, Promise<Identity>>();
  return (request: FastifyRequest): Promise<Identity> => {
    const identity = known.get(request) ?? identify(request);
    known.set(request, identity);
    return identity;
  };
};

export const actorOfAccount = ({ id, name, isAdmin }: Account): AccountActor => ({ kind: 'account', account: id, name, isAdmin });

const invalid = (): AuthError => new AuthError('TOKEN_INVALID', 'The token is unknown, was revoked, or has run out.');
const namesNoWorker = (): AuthError =>
  new AuthError('WORKER_REFUSED', 'The header cion-worker names no worker: a name has 1 to 63 letters, digits and . _ - in it.');
/** Who has the token is told whose it is. */
const otherWorker = (owner: string, name: string): AuthError =>
  new AuthError(
    'WORKER_REFUSED',
    `The token is of the worker ${JSON.stringify(owner)}, and this one is called ${JSON.stringify(name)}.`,
    `Begin it as that one, with --name ${owner}; or make a token for it: cion worker token add ${name}`,
  );

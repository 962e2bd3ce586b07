import { loginRequired } from '../http-error.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../lib/clock.ts';
import type { Sealer } from '../../secrets/sealer.ts';
import type { Account, AccountStore } from '../../store/accounts.ts';
import type { AuditStore } from '../../store/audit.ts';
import type { MemberStore } from '../../store/members.ts';
import type { SessionStore } from '../../store/sessions.ts';
import type { TokenStore } from '../../store/tokens.ts';
import type { AuditEntry, Guard } from '../actor.ts';
import { AuthError } from './auth-error.ts';
import { hashOf } from './bearer.ts';
import type { Cookies } from './cookies.ts';
import type { ForgeLogin } from './forge-login.ts';
import type { ForgeTokens } from './forge-tokens.ts';
import { actorOfAccount, type Identity } from './identify.ts';
import type { Passwords } from './password.ts';
import { isOurs } from './same-origin.ts';
import type { SessionLife, SessionTimes } from './session-life.ts';
import type { SetupToken } from './setup-token.ts';
import type { Throttle } from './throttle.ts';

/** What the routes of accounts and logins share. */
export type AuthContext = {
  readonly accounts: AccountStore;
  readonly members: MemberStore;
  readonly sessions: SessionStore;
  readonly tokens: TokenStore;
  /** What a worker is given for a bearer; absent: that alone. */
  readonly workerToken?: ((bearer: string) => string) | undefined;
  readonly audit: AuditStore;
  readonly guard: Guard;
  readonly sealer: Sealer;
  readonly clock: Pick<Clock, 'now'>;
  /** With which forges one can log in. */
  readonly logins: readonly ForgeLogin[];
  readonly forgeTokens: ForgeTokens;
  readonly setup: SetupToken;
  readonly passwords: Passwords;
  readonly throttle: Throttle;
  readonly sessionLife: SessionLife;
  readonly times: SessionTimes;
  readonly cookies: Cookies;
  /** Of our own address. */
  readonly origin: string;
  identityOf(request: FastifyRequest): Promise<Identity>;
};

/** Whose session it is. Tokens do not reach what gives more than they have: passwords, sessions and other tokens. */
export const sessionOf = async (
  request: FastifyRequest,
  { identityOf }: Pick<AuthContext, 'identityOf'>,
): Promise<Extract<Identity, { readonly by: 'session' }>> => {
  const identity = await identityOf(request);
  if (identity.by === 'session') return identity;
  throw identity.by === 'nothing' ? loginRequired() : new AuthError('FORBIDDEN', 'This needs a login; a token cannot do it.');
};

/** Before a login there is no cookie that another page could misuse, but it could log somebody in as somebody else (atk-62). */
export const checkOurs = (request: FastifyRequest, { origin }: Pick<AuthContext, 'origin'>): void => {
  if (!isOurs(request.headers, origin, { proven: false })) {
    throw new AuthError('FOREIGN_REQUEST', 'A login has to come from a page of this server, or with the header "x-cion: 1".');
  }
};

/** Ends the session that the browser had, and gives it a new one. */
export const beginSession = async (
  request: FastifyRequest,
  reply: FastifyReply,
  account: Account,
  { sessions, sessionLife, cookies, times, guard }: AuthContext,
  by: AuditEntry['detail'],
): Promise<void> => {
  const before = cookies.of(request, cookies.session);
  if (before !== undefined) await sessions.end({ hash: hashOf(before) });
  const cookie = await sessionLife.begin(account.id, { address: request.ip, agent: request.headers['user-agent'] ?? '' });
  await guard.note({ actor: actorOfAccount(account), action: 'login', outcome: 'done', detail: { ...by, address: request.ip } });
  cookies.set(reply, cookies.session, cookie, times.wholeMs);
};

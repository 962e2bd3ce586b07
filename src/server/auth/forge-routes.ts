import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Account, ForgeIdentity } from '../../store/accounts.ts';
import { accountName } from '../../api/auth.ts';
import { type AuthContext, beginSession, sessionOf } from './auth-context.ts';
import { AuthError } from './auth-error.ts';
import { isSame, newId } from './bearer.ts';
import type { ForgeLogin, ForgePerson } from './forge-login.ts';
import { checkFresh } from './fresh-login.ts';
import { actorOfAccount } from './identify.ts';
import type { Routes } from './routes.ts';
import { wayBack } from './way-back.ts';

/**
 * Logging in with a forge, and linking one's account with it. What was begun is in a sealed cookie of the browser that began it. Who it is at
 * the forge is the numeric id; names and addresses link nothing (atk-63).
 */
export const forgeRoutes = (context: AuthContext, forge: ForgeLogin): Routes => {
  const { accounts, forgeTokens, sealer, clock, cookies, guard, origin, identityOf } = context;
  const { kind, title, apiUrl } = forge;
  const sealedAs = `login/${kind}`;

  const begin = (reply: FastifyReply, more: Pick<Begun, 'next' | 'link'>): string => {
    const { url, state, verifier } = forge.begin();
    const begun: Begun = { state, verifier, at: clock.now(), ...more };
    cookies.set(reply, cookies.login, sealer.seal(JSON.stringify(begun), sealedAs), patienceMs);
    return url;
  };

  const begunOf = (request: FastifyRequest): Begun | undefined => {
    try {
      return begunSchema.parse(JSON.parse(sealer.open(cookies.of(request, cookies.login) ?? '', sealedAs).toString()));
    } catch {
      return undefined;
    }
  };

  const identityAt = (account: string, { id, login, token }: ForgePerson): ForgeIdentity => ({
    kind,
    url: apiUrl,
    id,
    login,
    token: forgeTokens.seal(account, token),
  });

  const link = async (id: string, person: ForgePerson): Promise<Account> => {
    const changed = await accounts.change(id, (before) => ({
      ...before,
      forges: [...before.forges.filter(({ url }) => url !== apiUrl), identityAt(id, person)],
    }));
    const account = await accounts.get(id);
    if (changed !== 'changed' || account === undefined || account.isClosed) {
      throw new AuthError('FORGE_LOGIN_REFUSED', `This ${title} account belongs to another account here, or the account is closed.`);
    }
    return account;
  };

  const join = async (person: ForgePerson): Promise<Account> => {
    if (forge.join === 'known') throw new AuthError('FORGE_LOGIN_REFUSED', `This ${title} account is linked with no account here.`);
    const id = newId('acc');
    const wanted = person.login.toLowerCase();
    for (const name of [...(accountName.safeParse(wanted).success ? [wanted] : []), `${kind}-${person.id}`, `${kind}-${person.id}-${id}`]) {
      const account: Account = { id, name, isAdmin: false, isClosed: false, forges: [identityAt(id, person)], createdAt: clock.now() };
      if (await accounts.add(account)) {
        await guard.note({ actor: actorOfAccount(account), action: 'account.join', outcome: 'done', detail: { [kind]: person.id } });
        return account;
      }
    }
    throw new AuthError('FORGE_LOGIN_REFUSED', `This ${title} account has just got an account here. Log in again.`);
  };

  const accountOf = async (person: ForgePerson, begun: Begun, request: FastifyRequest): Promise<Account> => {
    const found = await accounts.find({ forge: { url: apiUrl, id: person.id } });
    if (begun.link !== undefined) {
      const identity = await identityOf(request);
      if (identity.by === 'session' && identity.account.id === begun.link) return link(begun.link, person);
      throw new AuthError('FORGE_LOGIN_REFUSED', 'The account that was to be linked is not logged in any more.');
    }
    return found === undefined ? join(person) : link(found.id, person);
  };

  return async (app) => {
    app.get(
      `/api/auth/${kind}`,
      { schema: { querystring: z.object({ next: z.string().max(2000).optional() }) } },
      async (request, reply) => {
        const { next } = request.query;
        return reply.redirect(begin(reply, next === undefined ? {} : { next }));
      },
    );

    app.post(`/api/auth/${kind}`, { schema: { response: { 200: z.object({ url: z.string() }) } } }, async (request, reply) => {
      const { account, since } = await sessionOf(request, context);
      checkFresh({ since }, clock, `link it with ${title}`);
      return { url: begin(reply, { link: account.id }) };
    });

    app.get(`/api/auth/${kind}/callback`, { schema: { querystring: callbackQuery } }, async (request, reply) => {
      const begun = begunOf(request);
      cookies.end(reply, cookies.login);
      reply.header('referrer-policy', 'no-referrer');
      try {
        const { code, state } = request.query;
        const isGood = begun !== undefined && state !== undefined && isSame(state, begun.state) && clock.now() - begun.at < patienceMs;
        if (!isGood || code === undefined) {
          throw new AuthError('FORGE_LOGIN_REFUSED', `The login with ${title} was refused, has run out, or was not begun here.`);
        }
        const account = await accountOf(await forge.finish(code, begun.verifier), begun, request);
        await beginSession(request, reply, account, context, { by: begun.link === undefined ? kind : `${kind}-link` });
        return await reply.redirect(wayBack(begun.next, origin));
      } catch (error) {
        if (!(error instanceof AuthError)) throw error;
        const detail = { by: kind, code: error.code, address: request.ip };
        await guard.note({ actor: (await identityOf(request)).actor, action: 'login', outcome: 'refused', detail });
        return reply.redirect(`${origin}/login?error=${error.code}`);
      }
    });
  };
};

const patienceMs = 10 * 60_000;

const callbackQuery = z.object({ code: z.string().max(500).optional(), state: z.string().max(500).optional() });

const begunSchema = z.object({
  state: z.string(),
  verifier: z.string(),
  at: z.number(),
  next: z.string().optional(),
  /** The account that is to be linked. */
  link: z.string().optional(),
});

type Begun = {
  readonly state: string;
  readonly verifier: string;
  readonly at: number;
  readonly next?: string | undefined;
  readonly link?: string | undefined;
};

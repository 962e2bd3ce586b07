import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import type { Sealer } from '../../secrets/sealer.ts';
import type { AccountStore, ForgeIdentity } from '../../store/accounts.ts';
import { makeTurns } from '../turns.ts';
import { AuthError } from './auth-error.ts';
import type { ForgeLogin, ForgeToken } from './forge-login.ts';

/** The tokens that accounts have of forges. */
export type ForgeTokens = {
  /** As the account keeps it. */
  seal(account: string, token: ForgeToken): string;
  /** One that is still good, at the forge with that address; `undefined`: they have to log in there again. Rejects with FORGE_UNREACHABLE. */
  of(account: string, url: string): Promise<string | undefined>;
};

export type ForgeTokenDeps = {
  readonly accounts: Pick<AccountStore, 'get' | 'change'>;
  readonly sealer: Pick<Sealer, 'seal' | 'open'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly logins: readonly Pick<ForgeLogin, 'apiUrl' | 'refresh'>[];
};

/** GitLab's and Gitea's run out after an hour or two, and are renewed a little before. */
const earlyMs = 60_000;

export const forgeTokensOf = ({ accounts, sealer, clock, logins }: ForgeTokenDeps): ForgeTokens => {
  /** A refresh token is good once. */
  const turns = makeTurns();
  const seal = (account: string, token: ForgeToken): string => sealer.seal(JSON.stringify(token), forgeTokenContext(account));

  const kept = async (account: string, url: string) => {
    const identity = (await accounts.get(account))?.forges.find((one) => one.url === url);
    const token = identity && opened(sealer, account, identity);
    return identity === undefined || token === undefined
      ? undefined
      : { identity, token, isGood: token.until === undefined || clock.now() < token.until - earlyMs };
  };

  const renew = async (account: string, { url, token: before }: ForgeIdentity, refresh: string): Promise<string | undefined> => {
    const renewed = await logins
      .find(({ apiUrl }) => apiUrl === url)
      ?.refresh(refresh)
      .catch((error: unknown) => {
        if (error instanceof AuthError && error.code === 'FORGE_LOGIN_REFUSED') return undefined;
        throw error;
      });
    if (renewed === undefined) return undefined;
    const token = seal(account, renewed);
    const isIt = (one: ForgeIdentity): boolean => one.url === url && one.token === before;
    await accounts.change(account, (now) => ({ ...now, forges: now.forges.map((one) => (isIt(one) ? { ...one, token } : one)) }));
    return renewed.access;
  };

  return {
    seal,
    of: async (account, url) => {
      const now = await kept(account, url);
      if (now === undefined || now.isGood) return now?.token.access;
      return turns(`${account} ${url}`, async () => {
        const then = await kept(account, url);
        if (then === undefined || then.isGood) return then?.token.access;
        return then.token.refresh === undefined ? undefined : renew(account, then.identity, then.token.refresh);
      });
    },
  };
};

export const forgeTokenContext = (account: string): string => `account/${account}/forge-token`;

const tokenShape: z.ZodType<ForgeToken> = z.object({
  access: z.string(),
  refresh: z.string().exactOptional(),
  until: z.number().exactOptional(),
});

/** What is none is as good as one that was taken back. */
const opened = (sealer: Pick<Sealer, 'open'>, account: string, { token }: ForgeIdentity): ForgeToken | undefined => {
  const text = sealer.open(token, forgeTokenContext(account)).toString();
  try {
    return tokenShape.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
};

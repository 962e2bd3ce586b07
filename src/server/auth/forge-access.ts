import type { Clock } from '../../lib/clock.ts';
import type { Account, ForgeIdentity } from '../../store/accounts.ts';
import type { Role } from '../../store/members.ts';
import type { Project } from '../../store/projects.ts';
import type { ForgeLogin } from './forge-login.ts';
import type { ForgeTokens } from './forge-tokens.ts';

/** What an account may do with a project at the project's own forge. `unlinked`: it is no account of that forge, or the project has none. */
export type ForgeAccess = { roleOf(account: Account, project: Project): Promise<Role | 'none' | 'unlinked'> };

/** An answer of the forge is good for this long; what it takes back is taken back here after it at the latest (atk-63). */
export const forgeAnswerMs = 5 * 60_000;

const mostAnswers = 10_000;

/** By the forge's address and its numeric ids alone. When the forge cannot be asked, nobody has any access by it. */
export const forgeAccessOf = (
  logins: readonly Pick<ForgeLogin, 'kind' | 'apiUrl' | 'roleAt'>[],
  { tokens, clock }: { readonly tokens: Pick<ForgeTokens, 'of'>; readonly clock: Pick<Clock, 'now'> },
): ForgeAccess => {
  const answers = new Map<string, { readonly at: number; readonly role: Promise<Role | 'none'> }>();

  const ask = async (login: Pick<ForgeLogin, 'roleAt'>, account: string, { url, id }: ForgeIdentity, repository: string) => {
    const token = await tokens.of(account, url);
    return token === undefined ? 'none' : login.roleAt(token, repository, id);
  };

  return {
    roleOf: async (account, { forge }) => {
      const login = logins.find(({ kind, apiUrl }) => kind === forge?.kind && apiUrl === forge.url);
      const identity = account.forges.find(({ url }) => url === login?.apiUrl);
      if (login === undefined || identity === undefined || forge === undefined) return 'unlinked';
      const key = JSON.stringify([account.id, identity.url, identity.id, identity.token, forge.repository]);
      const now = clock.now();
      const known = answers.get(key);
      if (known !== undefined && now - known.at < forgeAnswerMs) return known.role;
      const role = ask(login, account.id, identity, forge.repository).catch((): 'none' => {
        answers.delete(key);
        return 'none';
      });
      answers.delete(key);
      answers.set(key, { at: now, role });
      if (answers.size > mostAnswers) answers.delete(answers.keys().next().value ?? key);
      return role;
    },
  };
};

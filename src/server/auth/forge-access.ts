import type { Clock } from '../../lib/clock.ts';
import type { Account } from '../../store/accounts.ts';
import type { Role } from '../../store/members.ts';
import type { Project } from '../../store/projects.ts';
import type { Sealer } from '../../secrets/sealer.ts';
import type { GithubLogin } from './github-login.ts';

/** What an account may do with a project at the project's own forge. `unlinked`: it is no account of that forge, or the project has none. */
export type ForgeAccess = { roleOf(account: Account, project: Project): Promise<Role | 'none' | 'unlinked'> };

export const noForgeAccess: ForgeAccess = { roleOf: () => Promise.resolve('unlinked') };

/** An answer of the forge is good for this long; what it takes back is taken back here after it at the latest (atk-63). */
export const forgeAnswerMs = 5 * 60_000;

const mostAnswers = 10_000;

/** By the forge's numeric ids alone. When the forge cannot be asked, nobody has any access by it. */
export const forgeAccessOf = (
  github: Pick<GithubLogin, 'apiUrl' | 'roleAt'>,
  { sealer, clock }: { readonly sealer: Pick<Sealer, 'open'>; readonly clock: Pick<Clock, 'now'> },
): ForgeAccess => {
  const answers = new Map<string, { readonly at: number; readonly role: Promise<Role | 'none'> }>();

  const ask = async (account: Account, repository: string): Promise<Role | 'none'> => {
    const token = sealer.open(account.forge?.token ?? '', forgeTokenContext(account.id)).toString();
    return github.roleAt(token, repository);
  };

  return {
    roleOf: async (account, project) => {
      const isLinked = project.forge?.kind === 'github' && project.forge.url === github.apiUrl && account.forge?.url === github.apiUrl;
      if (!isLinked || project.forge === undefined) return 'unlinked';
      const key = JSON.stringify([account.id, account.forge?.token, project.forge.repository]);
      const now = clock.now();
      const known = answers.get(key);
      if (known !== undefined && now - known.at < forgeAnswerMs) return known.role;
      const role = ask(account, project.forge.repository).catch((): 'none' => {
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

export const forgeTokenContext = (account: string): string => `account/${account}/forge-token`;

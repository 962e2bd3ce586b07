import type { AccountStore } from '../../store/accounts.ts';
import { isSame, newBearer } from './bearer.ts';

/**
 * Who starts a server without an admin makes its first admin, and nobody else (atk-66): with a token that only the one who sees its output
 * has. Each start makes a new one; it is kept in memory alone.
 */
export type SetupToken = {
  /** To be printed; `undefined` when there is an admin. */
  readonly token: string | undefined;
  isOpen(): boolean;
  isRight(token: string): boolean;
  /** There is an admin now. */
  spend(): void;
};

export const setupTokenOf = async (accounts: Pick<AccountStore, 'list'>): Promise<SetupToken> => {
  const token = (await accounts.list()).some(({ isAdmin }) => isAdmin) ? undefined : newBearer('setup');
  let open = token !== undefined;
  return {
    token,
    isOpen: () => open,
    isRight: (given) => isSame(given, token ?? newBearer('setup')) && open,

    spend: () => {
      open = false;
    },
  };
};

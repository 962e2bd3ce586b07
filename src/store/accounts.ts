/**
 * Who may log in. Names are unique, and so is who an account is at each forge. An account is closed and never removed, for the audit names it.
 * Rejects with StoreError alone.
 */
export type AccountStore = {
  /** Only if there is no admin yet (atk-66): of several at the same time one is `true`. */
  addFirst(account: Account): Promise<boolean>;
  /** `false`: the name, or who it is at a forge, is another's. */
  add(account: Account): Promise<boolean>;
  get(id: string): Promise<Account | undefined>;
  find(by: { readonly name: string } | { readonly forge: Pick<ForgeIdentity, 'url' | 'id'> }): Promise<Account | undefined>;
  /** By name. */
  list(): Promise<readonly Account[]>;
  /** Reads it, changes it and writes it in one go. `taken`: as `add`. The id and the name stay. */
  change(id: string, change: (account: Account) => Account): Promise<'changed' | 'taken' | 'unknown'>;
};

export type Account = {
  /** `acc_…`. */
  readonly id: string;
  readonly name: string;
  readonly isAdmin: boolean;
  /** May not log in, and its sessions and tokens are worth nothing. */
  readonly isClosed: boolean;
  /** Its hash: `$argon2id$…`. Absent: only by a forge. */
  readonly password?: string;
  /** By their addresses, of which each is there once. */
  readonly forges: readonly ForgeIdentity[];
  readonly createdAt: number;
};

export type ForgeIdentity = {
  readonly kind: 'github' | 'gitlab' | 'gitea';
  /** Of its API, as in a project. */
  readonly url: string;
  /** The forge's own numeric id: names and addresses change hands (atk-63). */
  readonly id: string;
  readonly login: string;
  /** What it was given to ask the forge with, sealed as `account/<id>/forge-token`. */
  readonly token: string;
};

/** Tokens of accounts and of workers. Rejects with StoreError alone. */
export type TokenStore = {
  add(token: Token): Promise<void>;
  find(hash: string): Promise<Token | undefined>;
  /** The newest first. */
  list(of: { readonly account: string } | 'workers'): Promise<readonly Token[]>;
  used(id: string, at: number): Promise<void>;
  /** Gives a worker's token the name that it stands for from now on, if it has none; answers the one that it has (atk-15). */
  bind(id: string, worker: string): Promise<string | undefined>;
  /** `false`: there is none of that id and owner. */
  remove(id: string, of: { readonly account: string } | 'workers'): Promise<boolean>;
};

export type Token = {
  /** What it is called in lists; it proves nothing. */
  readonly id: string;
  /** SHA-256 of the token. */
  readonly hash: string;
  /** What its owner calls it. */
  readonly name: string;
  readonly of:
    | { readonly kind: 'account'; readonly account: string; readonly scopes: readonly string[]; readonly project?: string }
    | { readonly kind: 'worker'; readonly worker?: string };
  readonly createdAt: number;
  readonly expiresAt?: number;
  readonly usedAt?: number;
};

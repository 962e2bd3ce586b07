/** Tokens of accounts and of workers. Rejects with StoreError alone. */
export type TokenStore = {
  /** One whose maker is gone is not added, and rejects. */
  add(token: Token): Promise<void>;
  find(hash: string): Promise<Token | undefined>;
  /** The newest first. */
  list(of: WhoseTokens): Promise<readonly Token[]>;
  used(id: string, at: number): Promise<void>;
  /** Gives a worker's token the name that it stands for from now on, if it has none; answers the one that it has (atk-15). */
  bind(id: string, worker: string): Promise<string | undefined>;
  /** With those that it made. `false`: there is none of that id and owner. */
  remove(id: string, of: WhoseTokens): Promise<boolean>;
};

/** `madeBy`: only those that this token made. */
export type WhoseTokens = { readonly account: string; readonly madeBy?: string } | 'workers';

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
  /** The token that made it: when that one is removed, this one is, too. */
  readonly madeBy?: string;
};

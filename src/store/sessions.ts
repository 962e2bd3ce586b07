/** Logins that last. Rejects with StoreError alone. */
export type SessionStore = {
  add(session: Session): Promise<void>;
  find(hash: string): Promise<Session | undefined>;
  seen(hash: string, at: number): Promise<void>;
  /** The newest first. */
  list(account: string): Promise<readonly Session[]>;
  /** Those that are not there are no error. */
  end(which: WhichSessions): Promise<void>;
};

export type WhichSessions =
  | { readonly hash: string }
  | { readonly account: string; readonly id: string }
  /** `but`: the hash of one that stays. */
  | { readonly account: string; readonly but?: string }
  /** Older than this, or not seen since. */
  | { readonly createdBefore: number; readonly seenBefore: number };

export type Session = {
  /** What it is called in lists; it proves nothing. */
  readonly id: string;
  /** SHA-256 of what the cookie has. */
  readonly hash: string;
  readonly account: string;
  readonly createdAt: number;
  readonly seenAt: number;
  /** From where it was begun, for its owner to recognise. */
  readonly address: string;
  readonly agent: string;
};

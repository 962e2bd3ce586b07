/** What was done and refused, for ever: nothing in it is changed or removed. Rejects with StoreError alone. */
export type AuditStore = {
  append(record: Omit<AuditRecord, 'number'>): Promise<void>;
  /** The newest first. */
  list(filter: AuditFilter): Promise<readonly AuditRecord[]>;
};

export type AuditRecord = {
  /** Larger than all before it. */
  readonly number: number;
  readonly at: number;
  readonly actor:
    | { readonly kind: 'anonymous' }
    | { readonly kind: 'account'; readonly account: string; readonly name: string }
    | { readonly kind: 'worker'; readonly worker: string };
  readonly action: string;
  readonly project?: string;
  readonly outcome: 'done' | 'refused';
  readonly detail: Readonly<Record<string, string>>;
};

export type AuditFilter = {
  readonly account?: string;
  readonly project?: string;
  readonly action?: string;
  /** Older than this number: for the next page. */
  readonly before?: number;
  readonly limit: number;
};

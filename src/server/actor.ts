/** Who asks. */
export type Actor =
  | { readonly kind: 'anonymous' }
  /** A person, by session or by a token of theirs; `scopes` absent: all that they may. */
  | {
      readonly kind: 'account';
      readonly account: string;
      readonly name: string;
      readonly isAdmin: boolean;
      readonly scopes?: readonly Right[];
      /** Of a token for one project: elsewhere it is nobody's. */
      readonly project?: string;
    }
  | { readonly kind: 'worker'; readonly worker: string };

/**
 * `read` a private project; `run` and cancel its runs; `decide` its gates; `secrets`; `settings` of the project; `admin` of the server;
 * `tokens` is for tokens alone: to make others that may no more. */
export type Right = 'read' | 'run' | 'decide' | 'secrets' | 'settings' | 'admin' | 'tokens';

/**
 * What may be done. Without a project: `admin`, and what else only admins may; `read` and `settings` mean to be logged in, and to add a project.
 * A project that somebody may not see is answered as one that is not there. */
export type Guard = {
  may(actor: Actor, right: Right, project?: string): Promise<boolean>;
  /** For the audit: what was done or refused. `detail` has no secrets. */
  note(entry: AuditEntry): Promise<void>;
};

export type AuditEntry = {
  readonly actor: Actor;
  /** `run.cancel`, `login.failed`, `webhook.refused`. */
  readonly action: string;
  readonly project?: string;
  readonly outcome: 'done' | 'refused';
  readonly detail: Readonly<Record<string, string>>;
};

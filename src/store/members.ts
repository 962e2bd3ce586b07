/** Who was given a part in a project. Rejects with StoreError alone. */
export type MemberStore = {
  set(project: string, account: string, role: Role): Promise<void>;
  roleOf(project: string, account: string): Promise<Role | undefined>;
  /** By account. */
  list(project: string): Promise<readonly { readonly account: string; readonly role: Role }[]>;
  /** Who is none is no error. */
  remove(project: string, account: string): Promise<void>;
  /** Of a project that is gone: who takes its name begins without. */
  forget(project: string): Promise<void>;
};

/** `owner`: settings and secrets too. `writer`: run, cancel and decide. `reader`: look. */
export type Role = 'owner' | 'writer' | 'reader';

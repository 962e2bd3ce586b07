/** Who was given a part in a project. Rejects with StoreError alone. */
export type MemberStore = {
  /** `false`: there is no such project. */
  set(project: string, account: string, role: Role): Promise<boolean>;
  roleOf(project: string, account: string): Promise<Role | undefined>;
  /** By account. */
  list(project: string): Promise<readonly { readonly account: string; readonly role: Role }[]>;
  /** Who is none is no error. */
  remove(project: string, account: string): Promise<void>;
};

/** `owner`: settings and secrets too. `writer`: run, cancel and decide. `reader`: look. */
export type Role = 'owner' | 'writer' | 'reader';

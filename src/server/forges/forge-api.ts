import type { Clock } from '../../lib/clock.ts';

/**
 * What a forge is asked to do for an account. Repositories are named by the forge's numeric id, so that a name that changed hands leads nowhere else.
 * Rejects with ForgeError alone. Calls may overlap; each `ensure` may be repeated and leaves one.
 */
export type ForgeApi = {
  /** Those that the account may administer, by name. */
  repositories(): Promise<readonly ForgeRepository[]>;
  /** `undefined`: there is none, or the account may not see it. */
  repository(id: string): Promise<ForgeRepository | undefined>;
  /** The one webhook with this address: made, or given these settings. Answers its id. */
  ensureHook(repository: string, hook: WantedHook): Promise<string>;
  /** The one deploy key with this title, which may only read. Answers its id. */
  ensureKey(repository: string, key: { readonly title: string; readonly public: string }): Promise<string>;
  /** What is gone already is no error. */
  remove(repository: string, what: { readonly hook?: string; readonly key?: string }): Promise<void>;
  setStatus(repository: string, commit: string, status: CommitStatus): Promise<void>;
};

export type ForgeRepository = {
  readonly id: string;
  /** `owner/name`; GitLab's groups have more parts. */
  readonly name: string;
  /** By https. */
  readonly cloneUrl: string;
  readonly sshUrl: string;
  readonly defaultBranch: string;
  readonly visibility: 'public' | 'private';
  readonly mayAdminister: boolean;
};

export type WantedHook = { readonly url: string; readonly secret: string };

export type CommitStatus = {
  readonly state: 'pending' | 'passed' | 'failed' | 'errored' | 'cancelled';
  /** `cion/<pipeline>`: a later status with the same takes its place. */
  readonly context: string;
  /** At most 140 characters. */
  readonly description: string;
  readonly url: string;
};

/** For whom: `token` is of their account. `url` is that of the API: `https://api.github.com`, `https://gitlab.com/api/v4`, `https://gitea.example/api/v1`. */
export type ForgeAccess = { readonly url: string; readonly token: string; readonly clock: Clock };

export type OpenForgeApi = (access: ForgeAccess) => ForgeApi;

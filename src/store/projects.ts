/**
 * The repositories that a server knows. A name stands for one repository of one forge for ever: who takes the name of a repository that was deleted
 * gets nothing of its project. Rejects with StoreError alone.
 */
export type ProjectStore = {
  /** `false`: there is one of that name, or of that repository. */
  add(project: Project): Promise<boolean>;
  get(name: string): Promise<Project | undefined>;
  /** By name. */
  list(): Promise<readonly Project[]>;
  /** Reads it, changes it and writes it in one go; `undefined` when there is none. */
  change(name: string, change: (project: Project) => Project): Promise<Project | undefined>;
  /** With all that is kept under its name. */
  remove(name: string): Promise<void>;
};

export type Project = {
  /** `owner/name`. */
  readonly name: string;
  readonly cloneUrl: string;
  readonly defaultBranch: string;
  /** Who may see its runs without a login. */
  readonly visibility: 'public' | 'private';
  /** Absent: any git server, whose hook calls us with a token. */
  readonly forge?: {
    readonly kind: 'github' | 'gitlab' | 'gitea';
    /** Of its API: `https://api.github.com`. */
    readonly url: string;
    /** The forge's own numeric id of the repository: names change hands. */
    readonly repository: string;
    readonly hook?: string;
    readonly key?: string;
    /** Whose login it was connected with: what is told to the forge later is told in their name. */
    readonly account?: string;
    /** It is no more there, epoch ms. Who takes its address gets nothing: nothing of the project is run again. */
    readonly goneAt?: number;
  };
  /** Sealed, as `project/<name>/webhook`. */
  readonly webhookSecret: string;
  /** For ssh. The private half is sealed, as `project/<name>/deploy-key`. */
  readonly deployKey?: { readonly public: string; readonly private: string };
  /** For https, at this origin alone (`https://host:port`). The secret is sealed, as `project/<name>/credential`. */
  readonly credential?: { readonly origin: string; readonly user: string; readonly secret: string };
  readonly settings: ProjectSettings;
  readonly createdAt: number;
};

/** What its owners chose; how its pipelines run stands in the repository. */
export type ProjectSettings = {
  /** Which pushes make runs: globs, `!` before one takes out. Empty: all. */
  readonly branches: readonly string[];
  /** Only pushes that change one of these. Empty: all. */
  readonly paths: readonly string[];
  readonly triggers: readonly ('push' | 'tag' | 'pull-request')[];
  /** Every commit of a push, or its newest alone. */
  readonly commits: 'all' | 'newest';
  readonly priority: number;
  /** Of the workers that its stages need. */
  readonly labels: readonly string[];
  /** Attempts at a time, of all its runs. */
  readonly limit?: number;
  /** Whether somebody is asked before a run of a commit from a fork begins. `first-time`: until a change of its authors was approved once. */
  readonly approveForks: 'always' | 'first-time' | 'never';
};

export const defaultSettings: ProjectSettings = {
  branches: [],
  paths: [],
  triggers: ['push', 'tag', 'pull-request'],
  commits: 'newest',
  priority: 0,
  labels: [],
  approveForks: 'always',
};

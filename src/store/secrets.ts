import type { Trigger } from '../run/run-event.ts';

/**
 * What projects give their stages: secrets, and variables that logs may show. Values are sealed as `secret/<project>/<name>/<id>`, so that none can be put in
 * the place of another (atk-40). One that was replaced or removed stays, retired, until no run is alive that may know it (atk-39).
 * Rejects with StoreError alone.
 */
export type SecretStore = {
  /** In the place of the one of that name, which is retired at that moment. */
  put(secret: NewSecret): Promise<void>;
  /** By name; the newest of a name first, then those that it replaced. */
  list(project: string): Promise<readonly KeptSecret[]>;
  /** Retires it. `false`: there is none. */
  remove(project: string, name: string, at: number): Promise<boolean>;
  /** Those of all projects that `id` sorts before, in the order of ids; for a page of them. */
  page(after: string, limit: number): Promise<readonly KeptSecret[]>;
  /** The same value under another key; nothing where it is not what it was. */
  reseal(id: string, before: string, after: string): Promise<void>;
  /** Those that were retired before. */
  forget(retiredBefore: number): Promise<void>;
};

export type NewSecret = {
  /** Unique over all. */
  readonly id: string;
  readonly project: string;
  readonly name: string;
  /** `identity`: an age identity that opens what stands encrypted in the repository; no stage is given it. */
  readonly kind: 'secret' | 'variable' | 'identity';
  readonly sealed: string;
  readonly scope: SecretScope;
  /** Who put it there, for people. */
  readonly by: string;
  readonly at: number;
};

export type KeptSecret = NewSecret & { readonly retiredAt?: number };

/** Who is given it; an empty list does not limit. Runs of pull requests from forks are given none, whatever it says. */
export type SecretScope = {
  readonly pipelines: readonly string[];
  /** Globs: only runs of such a branch. */
  readonly branches: readonly string[];
  /** Only stages that deploy there. */
  readonly environments: readonly string[];
  readonly triggers: readonly Trigger['kind'][];
};

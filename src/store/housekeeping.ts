/** What decides what a server may forget, and what is left to be removed elsewhere of what it forgot. Rejects with StoreError alone. */
export type Housekeeping = {
  /** The runs whose deployment is the newest in an environment of their project. */
  deployed(): Promise<ReadonlySet<string>>;
  /** Only if it is as finished as it was: it may have begun again. */
  forgetRun(run: string, finishedAt: number): Promise<void>;
  /** Digests of trees, without `sha256:`: all that a run names, perhaps more. */
  trees(): Promise<ReadonlySet<string>>;
  /** Runs and projects that were removed, until `cleared` says that nothing of them is left anywhere. */
  leftovers(limit: number): Promise<readonly Leftover[]>;
  cleared(leftover: Leftover): Promise<void>;
  /** What is older. */
  forgetAudit(before: number): Promise<void>;
};

/** `name`: the run's id, the project's name. */
export type Leftover = { readonly kind: 'run' | 'project'; readonly name: string };

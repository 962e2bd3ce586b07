/** Those whose change from a fork was approved once in a project, by the numeric ids of its forge. Rejects with StoreError alone. */
export type ApprovedAuthors = {
  /** Those that are there already are no error. */
  add(project: string, authors: readonly string[]): Promise<void>;
  /** Of `authors`, those that are there. */
  among(project: string, authors: readonly string[]): Promise<ReadonlySet<string>>;
};

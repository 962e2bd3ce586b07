/**
 * What was asked for when a run was begun, and what of it the run needs to its end. A request is there before its run: whoever dies between asks the
 * dispatcher again with the same `once` and gets the same run. Rejects with StoreError alone.
 */
export type RunRequests = {
  /** The first of a project with that `once` stays. */
  put(request: PutRequest): Promise<void>;
  /** Its run is there. */
  begun(project: string, once: string, run: string): Promise<void>;
  /** The project's encrypted file of secrets at the commit of the run, as it is. */
  keepSecretsFile(run: string, file: Uint8Array): Promise<void>;
  /** It has its plan, or never will. */
  fetched(run: string): Promise<void>;
  /** Those that were not fetched, oldest first. */
  pending(): Promise<readonly KeptRequest[]>;
  of(run: string): Promise<KeptRequest | undefined>;
};

/** `request`: a RunRequest as JSON. */
export type PutRequest = { readonly project: string; readonly once: string; readonly request: string; readonly at: number };

export type KeptRequest = PutRequest & { readonly run?: string; readonly secretsFile?: Uint8Array };

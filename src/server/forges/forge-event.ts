/** What a delivery said. `repository`: the forge's numeric id of where it happened; absent for what is not about one, and where there are no ids. */
export type ForgeMessage =
  | { readonly kind: 'read'; readonly repository?: string; readonly event: ForgeEvent }
  /** `reason`: for people; it has nothing of the payload but names of its fields. */
  | { readonly kind: 'unreadable'; readonly reason: string };

/**
 * What happened at a forge, in the same words for all of them. Names of people and refs are data that strangers chose: they are never parts of commands,
 * paths or URLs. `actor` is the forge's numeric id of who did it, `by` their name, for people alone. Refs are whole (`refs/heads/main`), hashes too.
 */
export type ForgeEvent =
  | (Done & {
      readonly kind: 'push';
      readonly ref: string;
      /** The newest. */
      readonly commit: string;
      /** The oldest first. */
      readonly commits: readonly PushedCommit[];
      /** There are no more than those: forges leave out commits of large pushes. */
      readonly isWhole: boolean;
    })
  | (Done & { readonly kind: 'tag'; readonly ref: string; readonly commit: string })
  | (Done & {
      readonly kind: 'pull-request';
      /** `updated`: it has new commits, or is no draft any more. */
      readonly action: 'opened' | 'updated' | 'closed';
      readonly number: number;
      /** Where the project's own repository has it: `refs/pull/7/head`. */
      readonly ref: string;
      readonly commit: string;
      readonly draft: boolean;
      /** Its commits come from a repository that is not the project's own, or is not there any more. */
      readonly fork: boolean;
      readonly headRepository?: string;
      /** The numeric ids of those whose change it is, as far as they are told: who opened it, and who pushed what this event is about. */
      readonly authors: readonly string[];
    })
  | { readonly kind: 'ref-deleted'; readonly ref: string }
  | { readonly kind: 'repository-deleted' }
  | { readonly kind: 'repository-renamed'; readonly cloneUrl: string }
  | { readonly kind: 'ping' }
  /** Nothing that concerns us. */
  | { readonly kind: 'other'; readonly what: string };

type Done = { readonly by: string; readonly actor?: string };

/** `paths`: what it changed; absent where that is not told. */
export type PushedCommit = { readonly id: string; readonly paths?: readonly string[] };

import type { NewQueueItem } from './run-store.ts';

/**
 * The one queue of containers (R-CIO-03). Who is first: the larger priority, then whose pipeline has fewer items claimed, then who came
 * first (R-CIO-05). An item is claimed by one worker at a time (R-CIO-04), under a lease with a fencing token: tokens only grow, over all items.
 * Items enter and leave with the events of their run: see RunStore.
 */
export type Queue = {
  /** For many workers in one go: what each may have, fairly. Resolves at once, perhaps with nothing. */
  claim(requests: readonly QueueClaim[], lease: { readonly now: number; readonly until: number }): Promise<readonly QueueItem[]>;
  /** Answers those items whose token is still the newest, and which are now leased until then. */
  renew(held: readonly { readonly item: string; readonly token: number }[], until: number): Promise<ReadonlySet<string>>;
  /** What is claimed by a worker that knows only of these, under new tokens. */
  reclaim(worker: string, known: readonly string[], until: number): Promise<readonly QueueItem[]>;
  /**
   * All items of a project that are in this group or in none, claimed ones too, are in it from now on, with that limit; without a limit they are in none. What
   * is claimed beyond a new limit goes on.
   */
  regroup(project: string, group: { readonly name: string; readonly limit?: number }): Promise<void>;
  /** Those whose lease ended before. */
  lapsed(before: number): Promise<readonly QueueItem[]>;
  /** In the order of their turns; those that are claimed first. */
  list(): Promise<readonly QueueItem[]>;
};

export type QueueClaim = { readonly worker: string; readonly labels: readonly string[]; readonly slots: number };

export type QueueItem = NewQueueItem & {
  readonly claim?: { readonly worker: string; readonly token: number; readonly until: number; readonly at: number };
};

import type { Outcome } from '../run/outcome.ts';

/** Who wants to be told what of a project. Calls overlap freely. Rejects with StoreError alone. */
export type SubscriptionStore = {
  add(subscription: Subscription): Promise<void>;
  /** In the order in which they were added. */
  list(project: string): Promise<readonly Subscription[]>;
  /** With what was to be told to it. Without an id: all of the project. Answers whether there was one. */
  remove(project: string, id?: string): Promise<boolean>;
};

export type Subscription = {
  readonly id: string;
  readonly project: string;
  readonly way: 'http' | 'slack' | 'mail';
  /** Where to, and with what secret: sealed, as `project/<name>/subscription/<id>`. */
  readonly target: string;
  /** The part of it that anybody may see: a host, so many addresses. */
  readonly place: string;
  readonly wants: SubscriptionFilter;
  /** Who added it, for people. */
  readonly by: string;
  /** Epoch ms; what happened before is not told. */
  readonly createdAt: number;
};

/** Empty lists: all. */
export type SubscriptionFilter = {
  /** Of results. */
  readonly outcomes: readonly Outcome[];
  /** No results at all: what waits for people alone. */
  readonly results: boolean;
  readonly branches: readonly string[];
  /** Only of runs that deploy to one of these. */
  readonly environments: readonly string[];
  /** Gates that wait for a person, and commits of forks that wait for approval. */
  readonly gates: boolean;
};

/**
 * What is to be told, until it has been. A letter is there before anybody tries to send it, so a restart loses none. Calls overlap freely. Rejects with
 * StoreError alone.
 */
export type Outbox = {
  /**
   * Those that are new: one with the same `event` for the same subscription is the same letter (R-WRK-69). It is not tried before those of its subscription that wait;
   * `aside`: it is due at once.
   */
  put(letters: readonly NewLetter[], how?: { readonly aside: boolean }): Promise<void>;
  /** Not sent and not given up, whose `tryAt` is not after `until`, of other subscriptions than these; the earliest first. */
  due(until: number, limit: number, except?: readonly string[]): Promise<readonly Letter[]>;
  move(id: string, to: LetterProgress): Promise<void>;
  /** No letter of the subscription that waits is tried before, epoch ms. */
  hold(subscription: string, until: number): Promise<void>;
  /** Newest first. */
  list(subscription: string, limit: number): Promise<readonly Letter[]>;
  /** Those that are sent or given up and older. */
  clear(createdBefore: number): Promise<void>;
};

export type NewLetter = {
  readonly id: string;
  /** One that is gone is told nothing. */
  readonly subscription: string;
  /** `<run>/finished/<at>`, `<run>/gate/<name>/<at>`, `<run>/approval/<asked or how it was decided>/<at>`, `test/<id>`. */
  readonly event: string;
  /** Plain data without secrets. */
  readonly body: unknown;
  readonly createdAt: number;
};

export type Letter = Omit<NewLetter, 'subscription'> &
  LetterProgress & { readonly subscription: Pick<Subscription, 'id' | 'project' | 'way' | 'target'> };

export type LetterProgress = {
  readonly state: 'waiting' | 'sent' | 'given-up';
  /** When it is tried next; when it was tried last. */
  readonly tryAt: number;
  readonly attempts: number;
  /** Why it could not be sent, for people. */
  readonly note?: string;
};

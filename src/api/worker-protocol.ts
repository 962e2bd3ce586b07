import type { Started } from '../engine/attempt.ts';
import type { RunFact } from '../run/run-event.ts';
import type { GivenRegistry } from '../runtimes/registry-logins.ts';
import type { Item } from '../runtimes/runtime.ts';

/**
 * How workers and the server talk: two verbs, `claim` and `report`, and the ways of the bytes. See docs/adr/0060-server-and-workers.md.
 *
 * A worker has a name of its own, which stays over its restarts and stands for one container engine: what it had let go is still there when
 * it comes back. What it is given is leased to it. Each lease has a fencing token, larger than all before it; whatever comes with a token
 * that is not the newest is refused (LEASE_LOST), and the worker then ends that attempt's containers by force and forgets it.
 *
 * Errors. A verb that the server did not answer rejects with what the network says, and is repeated. An answer that says no has a `code`,
 * and a `status` as HTTP has it: 401 and 403 say that this is no worker of this server, 502 to 504 that it may work later.
 */
export type WorkerApi = {
  /**
   * Waits until there is work or `waitMs` are over. A worker that begins anew says `fresh`, and is given first what it still holds. One that heard no
   * answer to its last claim says what it `holds`, and is given first what that answer may have told it.
   */
  claim(request: ClaimRequest, signal: AbortSignal): Promise<ClaimAnswer>;
  /** Events, heartbeat and renewal of the leases in one. With nothing to tell, it waits up to `waitMs` for something to be told. */
  report(request: ReportRequest, signal: AbortSignal): Promise<ReportAnswer>;
};

export type ClaimRequest = {
  readonly worker: string;
  readonly labels: readonly string[];
  /** How many items it can take. */
  readonly slots: number;
  readonly waitMs: number;
  readonly fresh: boolean;
  /** Items. Absent where it has heard of all that it was given. */
  readonly holds?: readonly string[] | undefined;
  /** Runs of which it keeps volumes and images for their next stages. */
  readonly keeps?: readonly string[];
};

/** `over`: those of `keeps` that have ended or are not there: nobody needs what it keeps of them. */
export type ClaimAnswer = { readonly claimed: readonly Claimed[]; readonly over?: readonly string[] | undefined };

export type Lease = {
  /** `<run>/<stage>/<attempt>`. */
  readonly item: string;
  readonly token: number;
  /** Without a report until then, it counts as lost. A worker counts from when it sent what was answered, for the server counts from when it heard of it. */
  readonly leaseMs: number;
  /** After that, how long the server waits before it gives the attempt up. A worker that is cut off ends its containers before. */
  readonly graceMs: number;
};

/** Everything that is needed to run one attempt. */
export type Claimed = {
  readonly lease: Lease;
  /** Its images are references by now. Its volumes have the names of the plan, perhaps with an attempt: `build@2`. */
  readonly work: Item;
  /** Of the run. */
  readonly number: number;
  /** What was recorded of it when it was let go before: to be attached to. */
  readonly started?: Started;
  /** What its volumes hold when it begins, by their names in `work`; those that are not here begin empty. */
  readonly volumes: Readonly<Record<string, VolumeContent>>;
  /** The stages whose stdout it is given. */
  readonly outputs: Readonly<Record<string, { readonly attempt: number; readonly digest: string; readonly sensitive: boolean }>>;
  /** What comes from outside of the plan: only what its text names. */
  readonly outside: {
    readonly variables: Readonly<Record<string, string>>;
    readonly secrets: Readonly<Record<string, string>>;
    /** By ciphertext. */
    readonly encrypted: Readonly<Record<string, string>>;
  };
  /** What no log of the run may show. */
  readonly redact: readonly string[];
  /** Another stage asks for its stdout. */
  readonly isAsked: boolean;
  /** Another stage mounts its artifacts. */
  readonly isMounted: boolean;
  /** Volumes that later stages mount: to be kept in the tree store when it has ended. */
  readonly keep: readonly string[];
  /** Absent: the server has none of its own. */
  readonly registry?: GivenRegistry;
  /** Nobody vouches for its text: at registries it is none of those that the worker's machine is logged in as. */
  readonly withoutLogins?: true;
  readonly cancel: Cancel;
};

/** `tree`: by the digest of its tar in the tree store. `cache`: what was last kept under that key of the project, if anything. */
export type VolumeContent = { readonly kind: 'tree'; readonly digest: string } | { readonly kind: 'cache'; readonly key: string };

export type Cancel = 'no' | 'stop' | 'force';

export type ReportRequest = {
  readonly worker: string;
  readonly waitMs: number;
  readonly items: readonly ItemReport[];
};

export type ItemReport = {
  readonly item: string;
  readonly token: number;
  /** Counts the reports with facts about this lease from 1: one that comes twice is taken once, and the next is sent when it was answered. 0 without facts. */
  readonly sequence: number;
  readonly facts: readonly WorkerFact[];
  /** The worker gives it back: it is certain that it was not let go. */
  readonly giveBack?: true;
};

/** What a worker may say, about its own attempt alone. */
export type WorkerFact = RunFact & {
  readonly kind:
    | 'stage.preparing'
    | 'image.resolved'
    | 'stage.started'
    | 'stage.done-started'
    | 'step.started'
    | 'step.finished'
    | 'stage.noted'
    | 'volume.kept'
    | 'stage.finished';
};

/** `over`: runs that have ended with what was reported: nobody needs what the worker keeps of them. */
export type ReportAnswer = { readonly items: readonly ItemAnswer[]; readonly over?: readonly string[] | undefined };

export type ItemAnswer =
  | { readonly item: string; readonly kind: 'held'; readonly cancel: Cancel }
  /** Nothing of what was reported counts. */
  | { readonly item: string; readonly kind: 'lost' };

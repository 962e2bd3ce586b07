import type { Cancel } from '../../api/worker-protocol.ts';
import type { Clock } from '../../lib/clock.ts';
import type { QueueItem } from '../../store/queue.ts';
import type { DispatchLimits } from './dispatcher-deps.ts';
import type { ItemKey } from './item-id.ts';

/**
 * Who holds what, and since when nobody has heard of it. Time here is what passes in this process, not what a wall clock says: a clock that jumps ends no lease, and a
 * server that was away gives each worker a whole lease to come back in.
 */
export type Leases = {
  /** A claim with a token that is new; `sequence` of its newest report, where it is known. */
  give(item: QueueItem, sequence?: number): HeldLease | undefined;
  get(item: string): HeldLease | undefined;
  /** Its worker was heard of. */
  renew(lease: HeldLease): void;
  /** Out of the queue, or back in it. */
  end(item: string): void;
  /** Of a run. */
  of(run: string): readonly string[];
};

export type HeldLease = ItemKey & {
  readonly item: string;
  readonly worker: string;
  readonly token: number;
  /** Of the newest report with facts that was taken; unknown for what a server before gave. */
  sequence: number | undefined;
  /** What its worker was told last. */
  told: Cancel;
  /** Nobody has heard of its worker since it ended. */
  hasLapsed: boolean;
};

export type LeaseDeps = {
  readonly clock: Clock;
  readonly limits: Pick<DispatchLimits, 'leaseMs' | 'graceMs'>;
  lapsed(lease: HeldLease): void;
  /** The grace is over too. */
  expired(lease: HeldLease): void;
};

export const makeLeases = ({ clock, limits, lapsed, expired }: LeaseDeps): Leases => {
  const held = new Map<string, HeldLease>();
  const timers = new Map<string, () => void>();
  const perRun = new Map<string, Set<string>>();

  const wait = (lease: HeldLease): void => {
    timers.get(lease.item)?.();
    const lapse = (): void => {
      timers.set(
        lease.item,
        clock.after(limits.graceMs, () => expired(lease)),
      );
      lease.hasLapsed = true;
      lapsed(lease);
    };
    lease.hasLapsed = false;
    timers.set(lease.item, clock.after(limits.leaseMs, lapse));
  };
  const end = (item: string): void => {
    const lease = held.get(item);
    if (lease === undefined) return;
    held.delete(item);
    timers.get(item)?.();
    timers.delete(item);
    perRun.get(lease.run)?.delete(item);
    if (perRun.get(lease.run)?.size === 0) perRun.delete(lease.run);
  };

  return {
    give: ({ id, run, stage, attempt, claim }, sequence) => {
      const known = held.get(id);
      if (claim === undefined || (known !== undefined && known.token >= claim.token)) return known;
      end(id);
      const { worker, token } = claim;
      const lease: HeldLease = { item: id, run, stage, attempt, worker, token, sequence, told: 'no', hasLapsed: false };
      held.set(id, lease);
      perRun.set(run, (perRun.get(run) ?? new Set()).add(id));
      wait(lease);
      return lease;
    },
    get: (item) => held.get(item),
    renew: (lease) => {
      if (held.get(lease.item) === lease) wait(lease);
    },
    end,
    of: (run) => [...(perRun.get(run) ?? [])],
  };
};

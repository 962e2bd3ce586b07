import type { Claimed, ClaimAnswer, ClaimRequest, ReportAnswer, ReportRequest } from '../../api/worker-protocol.ts';
import { errorCause } from '../../engine/cause.ts';
import { endableClock } from '../../lib/endable-clock.ts';
import type { Decision, RunEvent, RunFact } from '../../run/run-event.ts';
import type { AttemptState, RunState } from '../../run/run-state.ts';
import type { QueueItem } from '../../store/queue.ts';
import type { RunChange } from '../../store/run-store.ts';
import { StoreError } from '../../store/store-error.ts';
import { type Carried, carriedRuns } from './carried-runs.ts';
import { makeClaims } from './claims.ts';
import { composeClaim } from './compose-claim.ts';
import type { DispatcherDeps } from './dispatcher-deps.ts';
import type { Dispatcher, WantedRun } from './dispatcher.ts';
import { DispatchError } from './dispatch-error.ts';
import { makeGateWatch } from './gate-watch.ts';
import { itemId } from './item-id.ts';
import { type HeldLease, makeLeases } from './leases.ts';
import { projectGroup } from './queue-changes.ts';
import { makeReports } from './reports.ts';
import { isAway } from '../patience.ts';
import type { LeaseCheck } from '../lease-check.ts';
import { copyOf } from './state-copy.ts';
import { openAttempt } from './stage-attempt.ts';

type Listener = (events: readonly RunEvent[], state: RunState) => void;

/** See docs/adr/0060-server-and-workers.md and 0062. */
export const makeDispatcher = (deps: DispatcherDeps): Dispatcher & LeaseCheck => {
  const { runs, queue, limits } = deps;
  const clock = endableClock(deps.clock);
  const started = Promise.withResolvers<void>();
  const listeners = new Set<{ readonly run: string | undefined; readonly listener: Listener }>();
  let isOver = false;

  /** Until it has come through, or there is no such run any more. */
  const background = (task: () => Promise<void>): void => {
    if (isOver) return;
    task().catch((error: unknown) => {
      if (error instanceof DispatchError && error.code === 'RUN_UNKNOWN') return;
      deps.failed(error);
      clock.after(limits.retryMs, () => background(task));
    });
  };

  const appended = (own: Carried, events: readonly RunEvent[], guard: RunChange['guard']): void => {
    const { run } = own.row;
    for (const event of events) {
      if (event.kind === 'run.cancel-requested') for (const item of leases.of(run)) reports.wake(item);
      if (event.kind !== 'stage.finished' && event.kind !== 'stage.returned') continue;
      const item = itemId({ run, ...event });
      const isOver = event.kind === 'stage.finished' || leases.get(item)?.token === guard?.token;
      if (isOver) leases.end(item);
      reports.wake(item);
    }
    if (events.some(({ kind }) => kind === 'stage.queued' || kind === 'stage.finished' || kind === 'stage.returned')) claims.wake();
    gates.follow(own, events);
    inform(own, events);
  };
  const inform = (own: Carried, events: readonly RunEvent[]): void => {
    for (const { run, listener } of [...listeners]) {
      if (run !== undefined && run !== own.row.run) continue;
      try {
        listener(events, own.state());
      } catch (error) {
        deps.failed(error);
      }
    }
  };

  const carried = carriedRuns({
    ...deps,
    cachedRuns: limits.cachedRuns,
    isHeld: (run) => leases.of(run).length > 0,
    appended,
    unsure: (run) => background(() => carried.read(run, () => {})),
  });

  /** About what a worker holds, while it does and has not ended. */
  const change = async (lease: HeldLease, facts: (attempt: AttemptState) => readonly RunFact[]): Promise<void> => {
    const guard = { item: lease.item, token: lease.token };
    const changed = await carried.change(lease.run, (own) => {
      if (leases.get(lease.item) !== lease) return undefined;
      const attempt = openAttempt(own.state(), lease.stage, lease.attempt);
      if (attempt === undefined) leases.end(lease.item);
      const known = attempt === undefined ? [] : facts(attempt);
      return known.length === 0 ? undefined : { facts: known, guard };
    });
    if (changed === 'fenced' && leases.get(lease.item) === lease) leases.end(lease.item);
  };

  /** Never let go: the same attempt can be had by another. Let go: its worker may still come back. */
  const onLapsed = (lease: HeldLease): Promise<void> =>
    change(lease, ({ startedAt, lostSince }) => {
      if (!lease.hasLapsed) return [];
      if (startedAt === undefined) return [{ kind: 'stage.returned', ...whose(lease), because: 'lost' }];
      return lostSince === undefined ? [{ kind: 'stage.lost', ...whose(lease) }] : [];
    });

  const onExpired = (lease: HeldLease): Promise<void> =>
    change(lease, ({ startedAt }) => (lease.hasLapsed && startedAt !== undefined ? [errored(lease, new WorkerLost(lease.worker))] : []));

  const leases = makeLeases({
    clock,
    limits,
    lapsed: (lease) => background(() => onLapsed(lease)),
    expired: (lease) => background(() => onExpired(lease)),
  });

  const reports = makeReports({ queue, clock, limits, carried, leases });

  const putBack = (lease: HeldLease): void =>
    background(() =>
      change(lease, ({ startedAt }) =>
        startedAt === undefined ? [{ kind: 'stage.returned', ...whose(lease), because: 'given-back' }] : [],
      ),
    );
  const giveBack = (item: QueueItem): void => {
    const lease = leases.give(item, 0);
    if (lease !== undefined) putBack(lease);
  };

  /**
   * What a worker gets for what it has claimed. What cannot be begun has errored; what was let go before is lost when it cannot be handed out again. Where only
   * the place of the results is away, it goes back into the queue a little later (atk-75).
   */
  const hand = async (item: QueueItem): Promise<Claimed | undefined> => {
    const lease = leases.give(item, 0);
    if (lease === undefined) return undefined;
    try {
      const claimed = await carried.read(lease.run, (own) => composeClaim(own, lease, deps, limits));
      if (claimed !== undefined) lease.told = claimed.cancel;
      return claimed;
    } catch (error) {
      if (error instanceof StoreError || error instanceof DispatchError) throw error;
      if (isAway(error)) {
        clock.after(limits.leaseMs / 2, () => {
          if (leases.get(lease.item) === lease) putBack(lease);
        });
        return undefined;
      }
      await change(lease, ({ startedAt }) => (startedAt === undefined ? [errored(lease, error)] : []));
      return undefined;
    }
  };

  const claims = makeClaims({ queue, clock, limits, hand, giveBack });

  /** What a worker was given that knows only of these, under new tokens. */
  const handAgain = async (worker: string, known: readonly string[]): Promise<readonly Claimed[]> => {
    const items = await queue.reclaim(worker, known, clock.now() + limits.leaseMs);
    const handed = await Promise.all(items.map(hand));
    for (const item of items) {
      const lease = leases.get(item.id);
      if (lease === undefined) continue;
      await change(lease, ({ lostSince }) => (lostSince === undefined ? [] : [{ kind: 'stage.found', ...whose(lease) }]));
    }
    return handed.filter((each) => each !== undefined);
  };

  const claim = async (request: ClaimRequest, signal: AbortSignal): Promise<ClaimAnswer> => {
    await started.promise;
    const known = request.fresh ? [] : request.holds;
    const again = known === undefined ? [] : await handAgain(request.worker, known);
    const answer = again.length > 0 ? { claimed: again } : await claims.wait(request, signal);
    return request.keeps === undefined ? answer : { ...answer, over: await overOf(request.keeps) };
  };

  /** Those that have ended or are not there: nobody needs anything of them. */
  const overOf = async (named: readonly string[]): Promise<readonly string[]> => {
    const rows = await Promise.all(named.map((run) => runs.list({ run, finished: false, limit: 1 })));
    return named.filter((_, index) => rows[index]?.length === 0);
  };

  const decide = async (run: string, gate: string, openedAt: number, decision: Decision): Promise<void> => {
    await carried.change(run, (own) => {
      const node = own.state().nodes.get(gate);
      const isOpen = node?.kind === 'gate' && node.phase === 'running' && node.openedAt === openedAt;
      return isOpen ? { facts: [{ kind: 'gate.decided', gate, decision }] } : undefined;
    });
  };
  const isWhole = (run: string): Promise<boolean> => carried.read(run, (own) => own.state().only === undefined);
  const gates = makeGateWatch({ runs, clock, background, decide, isWhole });

  /** Claims of which this process knows nothing: the store had taken them when its answer was lost. */
  const sweepLapsed = (): void => {
    if (isOver) return;
    background(async () => {
      for (const item of await queue.lapsed(clock.now())) leases.give(item);
    });
    clock.after(limits.leaseMs, sweepLapsed);
  };

  const takeUpRuns = async (): Promise<void> => {
    let before: string | undefined;
    for (;;) {
      const page = await runs.list({ finished: false, limit: pageSize, ...(before === undefined ? {} : { before }) });
      for (const { run } of page) {
        await carried.change(run, () => ({ facts: [] }));
        await carried.read(run, gates.takeUp);
      }
      before = page.at(-1)?.run;
      if (page.length < pageSize) return;
    }
  };

  const stop = (): void => {
    isOver = true;
    clock.end();
    claims.close();
    reports.close();
  };

  const record = async (run: string, facts: (state: RunState) => readonly RunFact[]): Promise<RunState> => {
    await carried.change(run, (own) => ({ facts: facts(copyOf(own.state())) }));
    return stateOf(run);
  };
  const stateOf = (run: string): Promise<RunState> => carried.read(run, (own) => copyOf(own.state()));

  const create = async (wanted: WantedRun): ReturnType<Dispatcher['create']> => {
    const at = clock.now();
    const run = deps.newRunId(at);
    const made = await runs.create({ ...wanted, run, at }).catch(async (error: unknown) => {
      if ((await runs.list({ run, limit: 1 })).length === 0) throw error;
      return { kind: 'created' } as const;
    });
    if (made.kind === 'exists') return made;
    await carried.read(run, async (own) => inform(own, (await runs.events(run, 0)).slice(0, 1)));
    return { kind: 'created', run };
  };

  const takeReport = async (request: ReportRequest, signal: AbortSignal): Promise<ReportAnswer> => {
    await started.promise;
    return reports.take(request, signal);
  };
  function report(request: ReportRequest, signal: AbortSignal): Promise<ReportAnswer>;
  function report(run: string, facts: (state: RunState) => readonly RunFact[]): Promise<RunState>;
  function report(
    ...given: [ReportRequest, AbortSignal] | [string, (state: RunState) => readonly RunFact[]]
  ): Promise<ReportAnswer | RunState> {
    return isFromServer(given) ? record(...given) : takeReport(...given);
  }

  const policyChanged = async (project: string): Promise<void> => {
    const { limit } = await deps.policyOf(project);
    await queue.regroup(project, { name: projectGroup(project), ...(limit === undefined ? {} : { limit }) });
    claims.wake();
  };

  return {
    create,
    claim,
    report,
    policyChanged,
    state: (run) =>
      stateOf(run).catch((error: unknown) => {
        if (error instanceof DispatchError) return undefined;
        throw error;
      }),
    held: async ({ worker, item, token }) => {
      await started.promise;
      const lease = leases.get(item);
      return lease?.worker === worker && lease.token === token;
    },
    watch: (run, listener) => {
      const watcher = { run, listener };
      listeners.add(watcher);
      return () => void listeners.delete(watcher);
    },
    start: async (signal) => {
      signal.throwIfAborted();
      signal.addEventListener('abort', stop, { once: true });
      const items = await queue.list();
      for (const item of items) leases.give(item);
      for (const project of new Set(items.map((item) => item.project))) background(() => policyChanged(project));
      started.resolve();
      await takeUpRuns();
      sweepLapsed();
    },
  };
};

const pageSize = 200;

const isFromServer = (
  given: [ReportRequest, AbortSignal] | [string, (state: RunState) => readonly RunFact[]],
): given is [string, (state: RunState) => readonly RunFact[]] => typeof given[0] === 'string';

const whose = ({ stage, attempt, worker }: HeldLease) => ({ stage, attempt, worker });

const errored = ({ stage, attempt }: HeldLease, error: unknown): RunFact => ({
  kind: 'stage.finished',
  stage,
  attempt,
  outcome: 'errored',
  cause: errorCause(error),
});

class WorkerLost extends Error {
  readonly code = 'WORKER_LOST';

  constructor(worker: string) {
    super(`nobody has heard of the worker ${worker} since its lease ended: whether the command ran to the end cannot be known`);
  }
}

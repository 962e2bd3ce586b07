import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkerBytes } from '../api/worker-bytes.ts';
import type { ClaimAnswer, Claimed, WorkerApi } from '../api/worker-protocol.ts';
import { abortable } from '../lib/abortable.ts';
import type { Clock } from '../lib/clock.ts';
import type { RegistryLogins } from '../runtimes/registry-logins.ts';
import type { Runtime, SweepScope } from '../runtimes/runtime.ts';
import { makeBudget } from './budget.ts';
import { makeEngineVolumes } from './engine-volumes.ts';
import { type Held, type HoldDeps, holdAttempt, spoolName, sweptPatiently } from './hold-attempt.ts';
import { openLedger } from './ledger.ts';
import { isTurnedAway, textOf } from './meaning.ts';
import { makePatience } from './patience.ts';
import { makeReporter } from './reporter.ts';

export type WorkerOptions = {
  readonly api: WorkerApi;
  readonly bytes: WorkerBytes;
  /** All that is in its namespace is this worker's: what belongs to nothing that it holds or keeps is swept when it begins. */
  readonly runtime: Runtime;
  /** Given to the runtime too. */
  readonly logins: RegistryLogins;
  readonly clock: Clock;
  /** 0 to 1: spreads tries that are repeated. */
  readonly random: () => number;
  /** Its own on the server, and over restarts. */
  readonly name: string;
  readonly labels: readonly string[];
  /** Attempts at a time. */
  readonly slots: number;
  /** Its own directory, one process at a time: logs on their way, and what is on the engine. Made when it is not there. */
  readonly stateDir: string;
  readonly log: (line: string) => void;
  /** Called once: the server has taken it, its first claim was answered. */
  readonly taken?: () => void;
  /** How much of logs may wait on the disk for the server; then commands wait. */
  readonly spoolBytes?: number;
};

export type WorkerSignals = {
  /** Aborts: takes nothing new, gives back what was not let go, and ends when the rest has. */
  readonly drain: AbortSignal;
  /** Aborts: ends at once, and leaves what runs to the next process of that name. */
  readonly leave: AbortSignal;
};

const claimWaitMs = 20_000;
const claimPatienceMs = 10_000;
const sweepInTimeMs = 10_000;
/** What is the same is not said more often. */
const tellAgainMs = 300_000;
/** An attempt that takes its engine down as often is at fault itself. */
const mostEngineLosses = 5;

/**
 * Claims attempts from a server and runs them, until it is told to end. What the network does, and what the server does not know, it waits out. Rejects
 * when the server says that this is no worker of its, and nothing is held; and with WorkerError when its directory cannot be used.
 */
export const runWorker = async (options: WorkerOptions, { drain, leave }: WorkerSignals): Promise<void> => {
  const { api, clock, name, labels, slots, log, runtime } = options;
  const told = new Map<string, number>();
  const waits = (error: unknown): void => {
    const text = textOf(error);
    if ((told.get(text) ?? Number.NEGATIVE_INFINITY) > clock.now() - tellAgainMs) return;
    told.clear();
    told.set(text, clock.now());
    log(`what is for the server waits: ${text}`);
  };
  const patience = makePatience(clock, options.random, waits);
  const ledger = await openLedger(options.stateDir);
  const ended = new AbortController();
  /** Runs that have ended while something of them is still swept here. */
  const endedInUse = new Set<string>();
  const reporter = makeReporter({ api, worker: name, clock, patience, log, over: (runs) => hearEnds(runs) });
  const volumes = makeEngineVolumes(runtime);
  const deps: HoldDeps = {
    bytes: options.bytes,
    runtime,
    logins: options.logins,
    clock,
    patience,
    reporter,
    volumes,
    ledger,
    budget: makeBudget(options.spoolBytes ?? 1024 * 1024 * 1024),
    spools: join(options.stateDir, 'spool'),
    log,
    leave,
  };
  const held = new Map<string, Held>();
  /** Of runs: what is held, or not swept yet. */
  const users = new Map<string, number>();
  const forgetting = new Map<string, Promise<void>>();
  const sweeps = new Set<Promise<void>>();
  const ending = AbortSignal.any([drain, leave]);
  let freed = Promise.withResolvers<void>();
  let fresh = true;
  /** It has heard an answer to its last claim. */
  let isSure = true;
  let isTidy = false;
  let readying = Promise.resolve();
  const engineLosses = new Map<string, number>();
  /** Until the engine answers again. */
  let away: Promise<void> | undefined;
  let claiming: AbortController | undefined;

  const isUsed = (run: string): boolean => users.has(run);
  const use = (run: string, by: 1 | -1): void => {
    const count = (users.get(run) ?? 0) + by;
    if (count === 0) users.delete(run);
    else users.set(run, count);
    if (by === 1) endedInUse.delete(run);
    else if (count === 0 && endedInUse.delete(run)) forgetAll([run]);
  };

  const inBackground = (work: Promise<void>): void => {
    const swept = work.catch((error: unknown) => {
      if (!leave.aborted) log(textOf(error));
    });
    sweeps.add(swept);
    void swept.finally(() => {
      sweeps.delete(swept);
      makeReady();
    });
  };

  /** While nothing else keeps the engine busy. */
  const makeReady = (): void => {
    if (!isTidy || away !== undefined || ending.aborted || held.size + sweeps.size > 0) return;
    readying = runtime.ready(ending).catch(() => {});
  };

  const engineAnswers = async (): Promise<void> => {
    for (let failures = 1; ; failures++) {
      await patience.pause(failures, ending);
      const answered = await runtime.sweep({ kind: 'run', run: 'none' }, ending).then(
        () => true,
        () => false,
      );
      if (answered) return;
    }
  };

  /**
   * Without its engine a worker is as one that is gone: it renews nothing, takes nothing, and begins anew when the engine answers. What was let go may run on, so
   * that nobody may have it again before its grace is over.
   */
  const engineAway = (item: string, why: string): boolean => {
    const losses = (engineLosses.get(item) ?? 0) + 1;
    engineLosses.set(item, losses);
    if (losses > mostEngineLosses) return false;
    if (away !== undefined) return true;
    log(`the engine is away, nothing is taken until it is back: ${why}`);
    away = engineAnswers().then(() => {
      log('the engine is back');
      fresh = true;
      isTidy = false;
      away = undefined;
    });
    away.catch(() => {});
    claiming?.abort();
    return true;
  };

  const begin = (claimed: Claimed, takesOver: boolean): void => {
    const { item } = claimed.lease;
    const { run } = claimed.work;
    const before = held.get(item);
    if (claimed.started === undefined) before?.drop();
    else before?.leave();
    log(`${item} ${claimed.started === undefined ? 'is begun' : 'is taken up again'}`);
    const one = holdAttempt(deps, claimed, {
      takesOver,
      after: Promise.all([before?.swept, forgetting.get(run)]),
      cutOff: () => {
        fresh = true;
      },
      engineAway: (why) => engineAway(item, why),
    });
    held.set(item, one);
    use(run, 1);
    inBackground(one.swept.finally(() => use(run, -1)));
    void one.over.finally(() => {
      if (held.get(item) === one) held.delete(item);
      if (away === undefined) engineLosses.delete(item);
      freed.resolve();
      freed = Promise.withResolvers();
    });
  };

  const forget = async (run: string): Promise<void> => {
    volumes.forget(run);
    await sweptPatiently(deps, { kind: 'run', run }, run);
    if (!isUsed(run)) await ledger.forget(run).catch((error: unknown) => log(textOf(error)));
  };

  const forgetAll = (over: readonly string[] = []): void => {
    for (const run of over) {
      if (isUsed(run) || forgetting.has(run)) continue;
      const forgotten = forget(run).finally(() => forgetting.delete(run));
      forgetting.set(run, forgotten);
      inBackground(forgotten);
    }
  };

  const hearEnds = (runs: readonly string[]): void => {
    for (const run of runs) if (isUsed(run)) endedInUse.add(run);
    forgetAll(runs);
  };

  /** What a process before has left, and nobody needs. */
  const tidy = async ({ claimed, over = [] }: ClaimAnswer): Promise<void> => {
    const items = new Set(claimed.map(({ lease }) => lease.item));
    const spools = new Set([...items].map(spoolName));
    for (const directory of await readdir(deps.spools).catch(() => [])) {
      if (!spools.has(directory)) await rm(join(deps.spools, directory), { recursive: true, force: true });
    }
    const ends = new Set(over);
    const kept = new Set([...ledger.runs().filter((run) => !ends.has(run)), ...claimed.map(({ work }) => work.run)]);
    for (const attempt of ledger.attempts()) {
      if (items.has(attempt.item)) continue;
      const { run, stage, attempt: number } = attempt;
      const swept = async (): Promise<void> => {
        await sweptPatiently(deps, { kind: 'attempt', run, stage, attempt: number }, attempt.item);
        await ledger.end(attempt.item);
      };
      inBackground(swept());
    }
    await sweptPatiently(deps, { kind: 'all', exceptRuns: [...kept] }, 'an earlier process');
  };

  const ask = async (free: number, waitMs: number, ends: AbortSignal): Promise<ClaimAnswer> => {
    const call = new AbortController();
    claiming = call;
    const overdue = clock.after(waitMs + claimPatienceMs, () =>
      call.abort(Object.assign(new Error('it does not answer'), { code: 'ETIMEDOUT' })),
    );
    const signal = AbortSignal.any([ends, call.signal]);
    const holds = isSure ? {} : { holds: [...held.keys()] };
    const request = { worker: name, labels, slots: free, waitMs, fresh, ...holds, keeps: ledger.runs() };
    isSure = false;
    const answer = await abortable(api.claim(request, signal), signal).finally(overdue);
    isSure = true;
    return answer;
  };

  const claim = (): Promise<ClaimAnswer> => ask(Math.max(0, slots - held.size), fresh ? 0 : claimWaitMs, ending);

  /** What nobody needs when a worker has ended: all of the runs that are over, and what runs share. */
  const leaveClean = async (): Promise<void> => {
    try {
      if (!fresh && ledger.runs().length > 0) forgetAll((await ask(0, 0, leave)).over);
      while (sweeps.size > 0) await Promise.all(sweeps);
      await runtime.sweep({ kind: 'all', exceptRuns: ledger.runs() }, leave);
      await runtime.sweep({ kind: 'unused' }, leave);
    } catch (error) {
      if (!leave.aborted) log(`not all that is needed no more was removed: ${textOf(error)}`);
    }
  };

  const sweptInTime = async (scope: SweepScope): Promise<void> => {
    const late = new AbortController();
    const stopTimer = clock.after(sweepInTimeMs, () => late.abort());
    await runtime.sweep(scope, late.signal).catch((error: unknown) => log(`not all that is needed no more was removed: ${textOf(error)}`));
    stopTimer();
  };

  const claimOn = async (): Promise<void> => {
    let failures = 0;
    let isTaken = false;
    while (!ending.aborted) {
      if (away !== undefined) {
        await away.catch(() => {});
        continue;
      }
      if (held.size >= slots && !fresh) {
        await abortable(freed.promise, ending).catch(() => {});
        continue;
      }
      const moment = patience.moment(ending);
      try {
        const isFresh = fresh;
        const takesOver = fresh || !isSure;
        const answer = await claim();
        if (failures > 0) log('the server gives work again');
        failures = 0;
        if (!isTaken) options.taken?.();
        isTaken = true;
        if (isFresh) fresh = false;
        for (const claimed of answer.claimed) begin(claimed, takesOver);
        if (isFresh && !isTidy) {
          await tidy(answer);
          isTidy = true;
          makeReady();
        }
        forgetAll(answer.over);
        if (answer.claimed.length === 0) await moment;
      } catch (error) {
        if (ending.aborted) return;
        if (away !== undefined) continue;
        if (isTurnedAway(error) && held.size === 0) {
          // It may never come back, and nothing of an earlier process runs here: who does come back makes anew what it needs.
          if (isTidy) await sweptInTime({ kind: 'all', exceptRuns: [] });
          throw error;
        }
        failures += 1;
        if (failures === 1) log(`the server gives no work, it is asked again: ${textOf(error)}`);
        await patience.pause(failures, ending).catch(() => {});
      }
    }
  };

  const reporting = reporter.run(ended.signal);
  const onLeave = (): void => {
    for (const one of held.values()) one.leave();
  };
  leave.addEventListener('abort', onLeave, { once: true });
  try {
    await claimOn();
    if (!leave.aborted) {
      for (const one of held.values()) one.giveBack();
      if (held.size > 0) log(`${held.size} of what runs is waited for`);
    }
    if (leave.aborted) onLeave();
    while (held.size > 0) await Promise.all([...held.values()].map(({ over }) => over));
    while (sweeps.size > 0) await Promise.all(sweeps);
    if (!leave.aborted) await leaveClean();
  } finally {
    leave.removeEventListener('abort', onLeave);
    await readying;
    await sweptInTime({ kind: 'spare' });
    ended.abort();
    await reporting;
    await ledger.settled();
  }
};

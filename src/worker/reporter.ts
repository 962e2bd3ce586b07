import type { Cancel, ItemReport, Lease, ReportAnswer, WorkerApi, WorkerFact } from '../api/worker-protocol.ts';
import { abortable } from '../lib/abortable.ts';
import type { Clock } from '../lib/clock.ts';
import { isRefusal, textOf } from './meaning.ts';
import type { Patience } from './patience.ts';

/** Who is told what the server says of one lease. */
export type LeaseListener = {
  cancel(cancel: Cancel): void;
  /** Another has it, or nobody. */
  lost(): void;
  /** Nothing was heard of the server for so long that it will soon give the attempt to another. */
  cutOff(): void;
};

export type ReportedLease = {
  /** Resolves when the facts are durable. */
  report(facts: readonly WorkerFact[]): Promise<void>;
  /** Whether it was, or may have been, told that the command was let go. */
  saidStarted(): boolean;
  /** What was not told yet never will be: those who wait for it are given this error. Its lease is still renewed. */
  silence(error: unknown): void;
  /** Resolves when the server has taken it back, or has no longer considered it ours. */
  giveBack(): Promise<void>;
  /** Nothing more is sent with its token. */
  close(): void;
};

export type Reporter = {
  /** Of an item whose claim was just answered; it takes the place of an older lease of it. */
  add(lease: Lease, listener: LeaseListener): ReportedLease;
  /** Until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
};

type Waiter = { readonly facts: readonly WorkerFact[]; readonly done: PromiseWithResolvers<void> };

type Told = { readonly sequence: number; readonly facts: readonly WorkerFact[]; readonly waiters: readonly Waiter[] };

type Entry = {
  readonly lease: Lease;
  readonly listener: LeaseListener;
  waiting: Waiter[];
  /** Sent, perhaps several times, and not acknowledged. */
  told?: Told | undefined;
  sequence: number;
  returning?: PromiseWithResolvers<void>;
  started: boolean;
  /** Takes back what would cut it off. */
  heard: () => void;
};

/**
 * Tells the server of all attempts that the worker holds, one call at a time, and so keeps their leases. Time is measured by the clock's
 * timers alone, from the moment at which something was sent that was then answered: a jump of the wall clock changes nothing.
 */
export const makeReporter = (given: {
  readonly api: Pick<WorkerApi, 'report'>;
  readonly worker: string;
  readonly clock: Clock;
  readonly patience: Patience;
  readonly log: (line: string) => void;
  /** These runs have ended. */
  over(runs: readonly string[]): void;
}): Reporter => {
  const { api, worker, clock, patience, log } = given;
  const entries = new Map<string, Entry>();
  let stirred = Promise.withResolvers<void>();
  let listening: AbortController | undefined;

  const stir = (): void => {
    stirred.resolve();
    stirred = Promise.withResolvers();
    listening?.abort();
  };

  const isCurrent = (entry: Entry): boolean => entries.get(entry.lease.item) === entry;

  const close = (entry: Entry): void => {
    entry.heard();
    if (isCurrent(entry)) entries.delete(entry.lease.item);
    entry.returning?.resolve();
  };

  const watch = (entry: Entry): (() => void) =>
    clock.after(patienceMs(entry.lease), () => {
      if (!isCurrent(entry)) return;
      close(entry);
      entry.listener.cutOff();
    });

  const reportOf = (entry: Entry): ItemReport => {
    if (entry.told === undefined && entry.waiting.length > 0) {
      const waiters = entry.waiting;
      entry.waiting = [];
      entry.sequence += 1;
      entry.told = { sequence: entry.sequence, facts: waiters.flatMap(({ facts }) => facts), waiters };
      entry.started ||= entry.told.facts.some(({ kind }) => kind === 'stage.started');
    }
    const { item, token } = entry.lease;
    const { sequence, facts } = entry.told ?? { sequence: 0, facts: [] };
    const isOver = entry.returning !== undefined && entry.told === undefined;
    return { item, token, sequence, facts, ...(isOver ? { giveBack: true } : {}) };
  };

  const hear = (told: readonly (readonly [Entry, ItemReport, () => void])[], { items, over }: ReportAnswer): void => {
    const answers = new Map(items.map((answer) => [answer.item, answer]));
    for (const [entry, report, unwatch] of told) {
      const answer = answers.get(report.item);
      if (answer === undefined || !isCurrent(entry)) {
        unwatch();
        continue;
      }
      if (answer.kind === 'lost' || report.giveBack === true) {
        unwatch();
        close(entry);
        if (answer.kind === 'lost' && report.giveBack !== true) entry.listener.lost();
        continue;
      }
      entry.heard();
      entry.heard = unwatch;
      if (report.sequence > 0 && entry.told?.sequence === report.sequence) {
        const { waiters } = entry.told;
        entry.told = undefined;
        for (const { done } of waiters) done.resolve();
      }
      entry.listener.cancel(answer.cancel);
    }
    if (over !== undefined) given.over(over);
  };

  const send = async (leases: readonly Entry[], mayWait: boolean, signal: AbortSignal): Promise<'heard' | 'stirred'> => {
    const { promise: news } = stirred;
    const told = leases.map((entry) => [entry, reportOf(entry), watch(entry)] as const);
    const reports = told.map(([, report]) => report);
    const beatMs = Math.floor(Math.min(...told.map(([{ lease }]) => lease.leaseMs)) / 3);
    const moment = patience.moment(signal);
    const isQuiet = mayWait && reports.every(({ facts, giveBack }) => facts.length === 0 && giveBack !== true);
    const call = new AbortController();
    const overdue = clock.after(isQuiet ? 2 * beatMs : beatMs, () => call.abort(noAnswer()));
    if (isQuiet) listening = call;
    const ending = AbortSignal.any([signal, call.signal]);
    try {
      hear(told, await abortable(api.report({ worker, waitMs: isQuiet ? beatMs : 0, items: reports }, ending), ending));
      if (isQuiet) await Promise.race([moment, news]);
      return 'heard';
    } catch (error) {
      for (const [, , unwatch] of told) unwatch();
      if (isQuiet && call.signal.aborted && isStir(call.signal.reason)) return 'stirred';
      throw error;
    } finally {
      overdue();
      if (listening === call) listening = undefined;
    }
  };

  /** The server will never take these facts: who told them learns why, and what comes next has their number. */
  const refuse = (entry: Entry, { waiters }: Told, error: unknown): void => {
    log(`the server refuses what it is told of ${entry.lease.item}: ${textOf(error)}`);
    entry.told = undefined;
    entry.sequence -= 1;
    for (const { done } of waiters) done.reject(error);
  };

  /** When the server refuses what it is told, each lease by itself, so that one does no harm to the others. */
  const once = async (signal: AbortSignal): Promise<'heard' | 'stirred'> => {
    try {
      return await send([...entries.values()], true, signal);
    } catch (error) {
      if (signal.aborted || !isRefusal(error)) throw error;
    }
    const failures: unknown[] = [];
    for (const entry of [...entries.values()]) {
      try {
        await send([entry], false, signal);
      } catch (error) {
        if (entry.told !== undefined && isRefusal(error)) refuse(entry, entry.told, error);
        else failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return 'heard';
  };

  return {
    add: (lease, listener) => {
      const entry: Entry = { lease, listener, waiting: [], sequence: 0, started: false, heard: () => {} };
      entries.get(lease.item)?.heard();
      entries.set(lease.item, entry);
      entry.heard = watch(entry);
      stir();
      return {
        report: (facts) => {
          const done = Promise.withResolvers<void>();
          entry.waiting.push({ facts, done });
          stir();
          return done.promise;
        },
        saidStarted: () => entry.started,
        silence: (error) => {
          const waiters = [...entry.waiting, ...(entry.told?.waiters ?? [])];
          entry.waiting = [];
          entry.told = undefined;
          for (const { done } of waiters) done.reject(error);
        },
        giveBack: () => {
          entry.returning ??= Promise.withResolvers();
          if (!isCurrent(entry)) entry.returning.resolve();
          stir();
          return entry.returning.promise;
        },
        close: () => close(entry),
      };
    },

    run: async (signal) => {
      let failures = 0;
      while (!signal.aborted) {
        try {
          if (entries.size === 0) {
            await abortable(stirred.promise, signal);
            continue;
          }
          if ((await once(signal)) === 'heard' && failures > 0) {
            log('the server is there again');
            failures = 0;
          }
        } catch (error) {
          if (signal.aborted) return;
          failures += 1;
          if (failures === 1) log(`the server cannot be told of what runs, it goes on and is told later: ${textOf(error)}`);
          await patience.pause(failures, signal).catch(() => {});
        }
      }
    },
  };
};

const noAnswer = (): Error => Object.assign(new Error('it does not answer'), { code: 'ETIMEDOUT' });

const isStir = (reason: unknown): boolean => reason instanceof DOMException && reason.name === 'AbortError';

const longestMarginMs = 15_000;

/** How long a worker that hears nothing goes on: it has to have ended what runs before the server gives that up. */
export const patienceMs = ({ leaseMs, graceMs }: Pick<Lease, 'leaseMs' | 'graceMs'>): number =>
  leaseMs + graceMs - Math.min(longestMarginMs, graceMs / 2);

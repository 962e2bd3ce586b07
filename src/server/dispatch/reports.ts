import type { Cancel, ItemAnswer, ItemReport, ReportAnswer, ReportRequest, WorkerFact } from '../../api/worker-protocol.ts';
import { canonicalJson } from '../../lib/canonical-json.ts';
import type { RunFact } from '../../run/run-event.ts';
import type { Carried, CarriedRuns, Proposal } from './carried-runs.ts';
import type { DispatcherDeps } from './dispatcher-deps.ts';
import { DispatchError } from './dispatch-error.ts';
import type { ItemKey } from './item-id.ts';
import type { HeldLease, Leases } from './leases.ts';
import { stageIn } from './plan-parts.ts';
import { cancelOf, newestAttempt, openAttempt } from './stage-attempt.ts';
import { checkedReport, checkFactsOf } from './worker-facts.ts';

/** What workers tell, and what they are told in answer. */
export type Reports = {
  take(request: ReportRequest, signal: AbortSignal): Promise<ReportAnswer>;
  /** There is something to tell about that item. */
  wake(item: string): void;
  close(): void;
};

export type ReportsDeps = Pick<DispatcherDeps, 'queue' | 'clock' | 'limits'> & { readonly carried: CarriedRuns; readonly leases: Leases };

export const makeReports = ({ queue, clock, limits, carried, leases }: ReportsDeps): Reports => {
  const waiting = new Map<string, Set<() => void>>();
  let isClosed = false;

  const heldBy = (worker: string, { item, token }: Checked): HeldLease | undefined => {
    const lease = leases.get(item);
    return lease?.worker === worker && lease.token === token ? lease : undefined;
  };

  const propose = (own: Carried, report: Checked, lease: HeldLease): Proposal | undefined => {
    const attempt = openAttempt(own.state(), lease.stage, lease.attempt);
    if (attempt === undefined) return undefined;
    const isNew = report.facts.length > 0 && report.sequence > (lease.sequence ?? 0);
    if (lease.sequence !== undefined && report.sequence > lease.sequence + 1) throw outOfOrder(report);
    if (isNew) checkAgainstStage(own, report);
    const about = { stage: lease.stage, attempt: lease.attempt, worker: lease.worker };
    const facts: RunFact[] = [];
    if (attempt.lostSince !== undefined) facts.push({ kind: 'stage.found', ...about });
    for (const fact of isNew ? report.facts : []) facts.push(fact.kind === 'stage.preparing' ? { ...fact, worker: lease.worker } : fact);
    if (report.giveBack === true) facts.push({ kind: 'stage.returned', ...about, because: 'given-back' });
    if (facts.length === 0) return undefined;
    return { facts, guard: { item: lease.item, token: lease.token, ...(isNew ? { sequence: report.sequence } : {}) } };
  };

  const takeOne = async (worker: string, report: Checked, lease: HeldLease | undefined): Promise<ItemAnswer> => {
    const { item } = report;
    if (lease !== undefined) {
      const changed = await carried.change(lease.run, (own) => propose(own, report, lease));
      const isHeld = changed !== 'fenced' || (await isNewest(lease));
      if (changed !== 'unchanged' && isHeld && report.facts.length > 0) lease.sequence = Math.max(report.sequence, lease.sequence ?? 0);
      if (changed === 'changed' && isLast(report)) return { item, kind: 'held', cancel: 'no' };
      const cancel = isHeld ? await carried.read(lease.run, (own) => toldTo(own, lease)) : undefined;
      if (cancel !== undefined) return { item, kind: 'held', cancel };
    }
    return (await wasTaken(worker, report)) ? { item, kind: 'held', cancel: 'no' } : { item, kind: 'lost' };
  };

  /** Then it was fenced by its sequence: it had been taken before, by an answer of the store that was lost or by a server before this one. */
  const isNewest = async ({ item, token }: HeldLease): Promise<boolean> =>
    (await queue.renew([{ item, token }], clock.now() + limits.leaseMs)).has(item);

  /** The end of an attempt that is told again, its answer having been lost. */
  const wasTaken = async (worker: string, { key, facts }: Checked): Promise<boolean> => {
    const end = facts.at(-1);
    if (end?.kind !== 'stage.finished') return false;
    const attempt = await carried
      .read(key.run, (own) => newestAttempt(own.state(), key.stage))
      .catch((error: unknown) => {
        if (error instanceof DispatchError) return undefined;
        throw error;
      });
    if (attempt?.attempt !== key.attempt || attempt.finishedAt === undefined || attempt.worker !== worker) return false;
    return canonicalJson([attempt.outcome, attempt.cause]) === canonicalJson([end.outcome, end.cause]);
  };

  /** Hears from now on what there is to tell about items, so that nothing is missed while they are looked at. */
  const listen = (items: readonly string[]): Listening => {
    const told = Promise.withResolvers<void>();
    const wake = (): void => told.resolve();
    for (const item of items) waiting.set(item, (waiting.get(item) ?? new Set()).add(wake));
    return {
      told: async (waitMs, signal) => {
        if (isClosed || signal.aborted || waitMs <= 0) return;
        const stopTimer = clock.after(Math.min(waitMs, limits.reportWaitMs), wake);
        signal.addEventListener('abort', wake, { once: true });
        await told.promise;
        stopTimer();
        signal.removeEventListener('abort', wake);
      },
      end: () => {
        for (const item of items) {
          waiting.get(item)?.delete(wake);
          if (waiting.get(item)?.size === 0) waiting.delete(item);
        }
      },
    };
  };

  /** As it is after a wait in which nothing was reported. */
  const answerNow = async ({ item }: Checked, lease: HeldLease | undefined): Promise<ItemAnswer> => {
    const isHeld = lease !== undefined && leases.get(item) === lease;
    const cancel = isHeld ? await carried.read(lease.run, (own) => toldTo(own, lease)) : undefined;
    return cancel === undefined ? { item, kind: 'lost' } : { item, kind: 'held', cancel };
  };

  /** The leases of those reports that their worker still has. */
  const held = async (worker: string, reports: readonly Checked[]): Promise<readonly (HeldLease | undefined)[]> => {
    const known = reports.map((report) => heldBy(worker, report));
    const leased = known.filter((lease) => lease !== undefined);
    for (const lease of leased) leases.renew(lease);
    if (leased.length === 0) return known;
    const newest = await queue.renew(leased, clock.now() + limits.leaseMs);
    return known.map((lease) => (lease !== undefined && newest.has(lease.item) ? lease : undefined));
  };

  const answer = async (reports: readonly Checked[], { worker, waitMs }: ReportRequest, heard: Listening, signal: AbortSignal) => {
    const own = await held(worker, reports);
    let answers = await Promise.all(reports.map((report, index) => takeOne(worker, report, own[index])));
    const saysNothing = reports.every(({ facts, giveBack }) => facts.length === 0 && giveBack !== true);
    const hearsNothing = answers.every((each, index) => each.kind === 'held' && each.cancel === own[index]?.told);
    if (saysNothing && hearsNothing) {
      await heard.told(waitMs, signal);
      answers = await Promise.all(reports.map((report, index) => answerNow(report, own[index])));
    }
    answers.forEach((each, index) => {
      const lease = own[index];
      if (lease !== undefined && each.kind === 'held') lease.told = each.cancel;
    });
    return answers;
  };

  /** With what was taken of these. */
  const ended = async (reports: readonly Checked[], answers: readonly ItemAnswer[]): Promise<readonly string[]> => {
    const last = reports.filter((report, index) => report.facts.length > 0 && isLast(report) && answers[index]?.kind === 'held');
    const runs = [...new Set(last.map(({ key }) => key.run))];
    const phases = await Promise.all(runs.map((run) => carried.read(run, ({ row }) => row.phase)));
    return runs.filter((_, index) => phases[index] === 'finished');
  };

  return {
    take: async (request, signal) => {
      const reports = request.items.map(checkedReport);
      const heard = listen(reports.map(({ item }) => item));
      try {
        const items = await answer(reports, request, heard, signal);
        const over = await ended(reports, items);
        return { items, ...(over.length === 0 ? {} : { over }) };
      } finally {
        heard.end();
      }
    },
    wake: (item) => {
      for (const wake of waiting.get(item) ?? []) wake();
    },
    close: () => {
      isClosed = true;
      for (const wakes of waiting.values()) for (const wake of wakes) wake();
    },
  };
};

type Checked = ItemReport & { readonly key: ItemKey };
type Listening = { told(waitMs: number, signal: AbortSignal): Promise<void>; end(): void };

const isLast = ({ facts, giveBack }: Checked): boolean => giveBack === true || facts.at(-1)?.kind === 'stage.finished';

const outOfOrder = ({ item, sequence }: ItemReport): DispatchError =>
  new DispatchError('WORKER_REPORT_INVALID', `Report ${sequence} about ${JSON.stringify(item)} came before the one that it follows.`);

const checkAgainstStage = (own: Carried, { item, key, facts }: Checked & { readonly facts: readonly WorkerFact[] }): void => {
  const parts = own.parts();
  const stage = parts === undefined ? undefined : stageIn(parts, key.stage);
  if (parts !== undefined && stage !== undefined) checkFactsOf(item, facts, stage, parts.items.of(stage, key.attempt));
};

/** `undefined`: it is not that worker's any more. That it has ended as reported is nothing to tell. */
const toldTo = (own: Carried, { stage: name, attempt: number }: HeldLease): Cancel | undefined => {
  const parts = own.parts();
  const stage = parts === undefined ? undefined : stageIn(parts, name);
  const attempt = newestAttempt(own.state(), name);
  if (stage === undefined || attempt?.attempt !== number || attempt.finishedAt !== undefined) return undefined;
  return cancelOf(own.state(), stage);
};

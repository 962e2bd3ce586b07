import type { Cancel, Claimed, ClaimRequest, ItemReport, Lease, WorkerApi, WorkerFact } from '../../../../api/worker-protocol.ts';
import { itemKeyOf } from '../../item-id.ts';
import type { Machine } from './machine.ts';
import type { Random } from './random.ts';
import type { Life } from './timeline.ts';

export type SimWorkerDeps = {
  readonly name: string;
  readonly slots: number;
  readonly api: WorkerApi;
  readonly machine: Machine;
  readonly life: Life;
  readonly random: Random;
  /** What a process before this one wrote down: how long each command of its may still run without a word from the server. */
  readonly ledger: Map<string, number>;
  now(): number;
  /** The server has said that it keeps that note. */
  acknowledged(note: string): void;
  /** The server has said that this is another's by now. */
  lost(item: string, token: number): void;
};

/**
 * One process of a worker that follows the protocol: lets go only what the server has acknowledged, tells one report after the other until it is
 * taken, ends by force what is lost, and, heard of nothing for long, all that it runs before the server gives it up.
 */
export const startWorker = (deps: SimWorkerDeps): void => {
  const { name, slots, api, machine, life, random, ledger } = deps;
  const held = new Map<string, Held>();
  let wakeReporter = (): void => {};
  let notes = 0;

  const drop = (own: Held): void => {
    if (held.get(own.lease.item) === own) held.delete(own.lease.item);
    own.isOver = true;
    own.stopPatience();
    ledger.delete(own.lease.item);
    for (const { failed } of own.waiting.splice(0)) failed();
    own.told?.failed();
  };
  const end = (own: Held): void => {
    machine.kill(own.lease.item);
    drop(own);
  };

  /** Ends it when nothing is heard of the server until then. */
  const heardAt = (own: Held, at: number): void => {
    own.stopPatience();
    const until = at + own.lease.leaseMs + own.lease.graceMs - margin(own.lease);
    if (machine.containers.has(own.lease.item)) ledger.set(own.lease.item, until);
    own.until = until;
    own.stopPatience = life.after(until - deps.now(), () => end(own));
  };

  const tell = (own: Held, ...facts: readonly WorkerFact[]): Promise<boolean> =>
    new Promise((resolve) => {
      if (own.isOver) return resolve(false);
      const key = itemKeyOf(own.lease.item);
      const text = `${own.lease.item} ${own.lease.token} ${++notes}`;
      const noted: readonly WorkerFact[] = key === undefined ? [] : [{ kind: 'stage.noted', stage: key.stage, attempt: key.attempt, text }];
      const done = (): void => {
        deps.acknowledged(text);
        resolve(true);
      };
      own.waiting.push({ facts: [...noted, ...facts], done, failed: () => resolve(false) });
      wakeReporter();
    });

  const run = async (claimed: Claimed, own: Held): Promise<void> => {
    const { item } = own.lease;
    const key = itemKeyOf(item);
    if (key === undefined) return;
    const about = { stage: key.stage, attempt: key.attempt };
    const finish = async (fact: Partial<WorkerFact & { readonly kind: 'stage.finished' }>): Promise<void> => {
      await tell(own, { kind: 'stage.finished', ...about, outcome: 'passed', ...fact });
      if (!own.isOver) end(own);
    };
    const cancelled = { outcome: 'cancelled', cause: { kind: 'cancelled' } } as const;

    if (claimed.started === undefined || random.chance(0.02)) {
      if (claimed.started !== undefined) machine.kill(item);
      if (!(await tell(own, { kind: 'stage.preparing', ...about }))) return;
      await life.wait(random.between(1, 2000));
      if (own.isOver) return;
      if (own.cancel !== 'no') return finish(cancelled);
      if (claimed.started === undefined && random.chance(0.03)) {
        own.givesBack = true;
        return wakeReporter();
      }
      if (random.chance(0.03)) return finish({ outcome: 'errored', cause: { kind: 'error', code: 'IMAGE_PULL_FAILED', message: 'no' } });
      if (claimed.started !== undefined)
        return finish({ outcome: 'errored', cause: { kind: 'error', code: 'CONTAINER_GONE', message: 'gone' } });
      if (!(await tell(own, { kind: 'stage.started', ...about, container: item }))) return;
      if (own.cancel !== 'no') return finish(cancelled);
      machine.letGo(item);
      ledger.set(item, own.until);
    }
    const container = machine.containers.get(item);
    if (container === undefined) return finish({ outcome: 'errored', cause: { kind: 'error', code: 'CONTAINER_GONE', message: 'gone' } });
    own.onCancel = (how) => {
      life.after(how === 'force' ? 0 : random.between(0, 3000), () => {
        if (own.isOver || machine.containers.get(item)?.isLive !== true) return;
        machine.kill(item);
        void finish(cancelled);
      });
    };
    if (own.cancel !== 'no') own.onCancel(own.cancel);
    container.whenEnded(() => {
      if (life.isOver || own.isOver) return;
      const failure = { outcome: 'failed', cause: { kind: 'exit', code: 1 } } as const;
      void finish(container.outcome === 'passed' ? {} : failure);
    });
  };

  const take = (claimed: Claimed, askedAt: number): void => {
    const before = held.get(claimed.lease.item);
    if (before !== undefined) drop(before);
    const own: Held = {
      lease: claimed.lease,
      waiting: [],
      told: undefined,
      sequence: 0,
      cancel: claimed.cancel,
      isOver: false,
      givesBack: false,
      until: 0,
      onCancel: () => {},
      stopPatience: () => {},
    };
    held.set(claimed.lease.item, own);
    heardAt(own, claimed.started === undefined ? deps.now() : askedAt);
    void run(claimed, own);
    wakeReporter();
  };

  const claiming = async (): Promise<void> => {
    let fresh = true;
    let isSure = true;
    for (;;) {
      const free = slots - held.size;
      if (free > 0 || fresh) {
        const askedAt = deps.now();
        const request: ClaimRequest = {
          worker: name,
          labels: [],
          slots: Math.max(1, free),
          waitMs: 20_000,
          fresh,
          ...(isSure ? {} : { holds: [...held.keys()] }),
        };
        const answer = await timed(life, 25_000, (signal) => api.claim(request, signal));
        isSure = answer !== undefined;
        if (answer !== undefined) {
          const mine = new Set(answer.claimed.map(({ lease }) => lease.item));
          if (fresh) for (const item of [...machine.containers.keys()]) if (!mine.has(item)) machine.kill(item);
          fresh = false;
          for (const claimed of answer.claimed) take(claimed, askedAt);
          continue;
        }
      }
      await life.wait(random.between(100, 1500));
    }
  };

  const reportOf = (own: Held): ItemReport => {
    if (own.told === undefined && own.waiting.length > 0) {
      const waiting = own.waiting.splice(0);
      own.sequence++;
      own.told = {
        facts: waiting.flatMap(({ facts }) => facts),
        done: () => waiting.forEach(({ done }) => done()),
        failed: () => waiting.forEach(({ failed }) => failed()),
      };
    }
    const { item, token } = own.lease;
    if (own.told !== undefined) return { item, token, sequence: own.sequence, facts: own.told.facts };
    return { item, token, sequence: 0, facts: [], ...(own.givesBack ? { giveBack: true } : {}) };
  };

  const reporting = async (): Promise<void> => {
    for (;;) {
      const owns = [...held.values()];
      const reports = owns.map(reportOf);
      const isQuiet = reports.every(({ facts, giveBack }) => facts.length === 0 && giveBack !== true);
      const sentAt = deps.now();
      const hurry = new AbortController();
      wakeReporter = () => hurry.abort(over);
      if (owns.length === 0) {
        await new Promise<void>((resolve) => hurry.signal.addEventListener('abort', () => resolve()));
        continue;
      }
      const call = timed(
        life,
        isQuiet ? 10_000 : 5_000,
        (signal) => api.report({ worker: name, waitMs: isQuiet ? 5_000 : 0, items: reports }, signal),
        isQuiet ? hurry.signal : undefined,
      );
      const answer = await call;
      if (answer === undefined) {
        if (!hurry.signal.aborted) await life.wait(random.between(100, 2000));
        continue;
      }
      owns.forEach((own, index) => {
        const report = reports[index];
        const said = answer.items.find(({ item }) => item === own.lease.item);
        if (report === undefined || said === undefined || own.isOver) return;
        if (said.kind === 'lost') deps.lost(report.item, report.token);
        if (said.kind === 'lost' || report.giveBack === true) return end(own);
        heardAt(own, sentAt);
        const { told } = own;
        if (report.facts.length > 0) {
          own.told = undefined;
          told?.done();
        }
        if (own.cancel === said.cancel) return;
        own.cancel = said.cancel;
        own.onCancel(said.cancel);
      });
    }
  };

  for (const [item, until] of ledger) {
    life.after(until - deps.now(), () => {
      if (!held.has(item)) machine.kill(item);
    });
  }
  void claiming();
  void reporting();
};

type Held = {
  readonly lease: Lease;
  readonly waiting: { readonly facts: readonly WorkerFact[]; done(): void; failed(): void }[];
  told: { readonly facts: readonly WorkerFact[]; done(): void; failed(): void } | undefined;
  sequence: number;
  cancel: Cancel;
  isOver: boolean;
  givesBack: boolean;
  /** When it ends what runs, hearing nothing. */
  until: number;
  onCancel(cancel: Cancel): void;
  stopPatience(): void;
};

const margin = ({ graceMs }: Lease): number => Math.min(15_000, graceMs / 2);

/** An error would be dear to make. */
const over = 'over';

/** `undefined`: it failed, or took too long, or something more urgent came up. */
const timed = <T>(life: Life, ms: number, call: (signal: AbortSignal) => Promise<T>, hurry?: AbortSignal): Promise<T | undefined> =>
  new Promise((resolve) => {
    const abort = new AbortController();
    const give = (answer: T | undefined): void => {
      stop();
      resolve(answer);
      abort.abort(over);
    };
    const stop = life.after(ms, () => give(undefined));
    hurry?.addEventListener('abort', () => give(undefined));
    call(abort.signal).then(give, () => give(undefined));
  });

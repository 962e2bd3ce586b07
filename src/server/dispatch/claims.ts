import type { ClaimAnswer, Claimed, ClaimRequest } from '../../api/worker-protocol.ts';
import type { QueueItem } from '../../store/queue.ts';
import type { DispatcherDeps } from './dispatcher-deps.ts';

/**
 * Workers that wait for work, one claim each: a later one takes the place of an earlier. All that wait are asked for in one go, as soon as the queue may
 * have something new for them.
 */
export type Claims = {
  wait(request: ClaimRequest, signal: AbortSignal): Promise<ClaimAnswer>;
  /** Something entered the queue, or made room in it. */
  wake(): void;
  /** Nobody waits any longer. */
  close(): void;
};

export type ClaimsDeps = Pick<DispatcherDeps, 'queue' | 'clock' | 'limits'> & {
  /** What a worker gets for an item that is its own now; `undefined` when there is nothing to run any more. */
  hand(item: QueueItem): Promise<Claimed | undefined>;
  /** Nobody waits for it any more. */
  giveBack(item: QueueItem): void;
};

export const makeClaims = ({ queue, clock, limits, hand, giveBack }: ClaimsDeps): Claims => {
  const waiters = new Map<string, Waiter>();
  let isAsking = false;
  let askAgain = false;
  let isClosed = false;

  const leave = (waiter: Waiter, claimed: readonly Claimed[]): void => {
    if (waiters.get(waiter.request.worker) === waiter) waiters.delete(waiter.request.worker);
    waiter.answer.resolve({ claimed });
  };

  const deliver = async (worker: string, items: readonly QueueItem[]): Promise<void> => {
    const waiter = waiters.get(worker);
    if (waiter === undefined) return items.forEach(giveBack);
    waiters.delete(worker);
    const handed = await Promise.all(items.map(hand)).catch((error: unknown) => waiter.answer.reject(error));
    if (handed === undefined) return;
    const claimed = handed.filter((each) => each !== undefined);
    if (waiter.isOver) return items.forEach(giveBack);
    if (claimed.length > 0) return waiter.answer.resolve({ claimed });
    if (isClosed || waiters.has(worker)) return waiter.answer.resolve({ claimed: [] });
    waiters.set(worker, waiter);
    wake();
  };

  const ask = async (): Promise<void> => {
    const asking = [...waiters.values()];
    if (asking.length === 0) return;
    try {
      const now = clock.now();
      const requests = asking.map(({ request: { worker, labels, slots } }) => ({ worker, labels, slots }));
      const items = await queue.claim(requests, { now, until: now + limits.leaseMs });
      for (const [worker, own] of Map.groupBy(items, ({ claim }) => claim?.worker ?? '')) void deliver(worker, own);
    } catch (error) {
      for (const waiter of asking) {
        if (waiters.get(waiter.request.worker) === waiter) waiters.delete(waiter.request.worker);
        waiter.answer.reject(error);
      }
    }
  };

  const wake = (): void => {
    askAgain = true;
    if (!isAsking) void askWhile();
  };
  const askWhile = async (): Promise<void> => {
    isAsking = true;
    while (askAgain) {
      askAgain = false;
      await ask();
    }
    isAsking = false;
  };

  return {
    wake,
    wait: async (request, signal) => {
      if (isClosed || signal.aborted || request.slots < 1) return { claimed: [] };
      const waiter: Waiter = { request, answer: Promise.withResolvers(), isOver: false };
      const before = waiters.get(request.worker);
      if (before !== undefined) leave(before, []);
      waiters.set(request.worker, waiter);
      const give = (): void => leave(waiter, []);
      const stopTimer = clock.after(Math.min(request.waitMs, limits.claimWaitMs), () => {
        if (waiters.get(request.worker) === waiter) give();
      });
      const abort = (): void => {
        waiter.isOver = true;
        give();
      };
      signal.addEventListener('abort', abort, { once: true });
      wake();
      try {
        return await waiter.answer.promise;
      } finally {
        stopTimer();
        signal.removeEventListener('abort', abort);
      }
    },
    close: () => {
      isClosed = true;
      for (const waiter of waiters.values()) leave(waiter, []);
    },
  };
};

type Waiter = { readonly request: ClaimRequest; readonly answer: PromiseWithResolvers<ClaimAnswer>; isOver: boolean };

import type { WorkerApi } from '../../api/worker-protocol.ts';
import type { Clock } from '../../lib/clock.ts';
import type { WorkerSeen } from './why.ts';

/** The two verbs, and who uses them. */
export type SeenWorkers = { readonly api: WorkerApi; workers(): readonly WorkerSeen[] };

const connectedForMs = 30_000;
const rememberedForMs = 24 * 3_600_000;

/** A worker is connected while it waits for an answer, and shortly after. */
export const seenWorkers = (api: WorkerApi, clock: Pick<Clock, 'now'>): SeenWorkers => {
  type Seen = { labels: readonly string[]; slots: number; at: number; calls: number };
  const known = new Map<string, Seen>();
  const during = async <T>(worker: string, looks: Partial<Pick<Seen, 'labels' | 'slots'>>, call: () => Promise<T>): Promise<T> => {
    const seen = known.get(worker) ?? { labels: [], slots: 0, at: 0, calls: 0 };
    known.set(worker, Object.assign(seen, looks));
    seen.calls += 1;
    try {
      return await call();
    } finally {
      seen.calls -= 1;
      seen.at = clock.now();
    }
  };
  return {
    api: {
      claim: (request, signal) =>
        during(request.worker, { labels: request.labels, slots: request.slots }, () => api.claim(request, signal)),
      report: (request, signal) => during(request.worker, {}, () => api.report(request, signal)),
    },
    workers: () => {
      const now = clock.now();
      for (const [name, { at, calls }] of known) if (calls === 0 && now - at > rememberedForMs) known.delete(name);
      return [...known].map(([name, { labels, slots, at, calls }]) => ({
        name,
        labels,
        slots,
        isConnected: calls > 0 || now - at < connectedForMs,
      }));
    },
  };
};

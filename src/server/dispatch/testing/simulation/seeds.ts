import { parentPort, workerData } from 'node:worker_threads';
import { simulate } from './simulate.ts';

/** In a thread of its own: every `step`th seed from `from` on, until one fails. */
export type Seeds = { readonly from: number; readonly to: number; readonly step: number };

export type SeedsDone = {
  readonly counts: Readonly<Record<string, number>>;
  readonly failed?: { readonly seed: number; readonly message: string };
};

const run = async ({ from, to, step }: Seeds): Promise<SeedsDone> => {
  const counts: Record<string, number> = {};
  for (let seed = from; seed <= to; seed += step) {
    try {
      for (const [kind, count] of Object.entries(await simulate(seed))) counts[kind] = (counts[kind] ?? 0) + count;
    } catch (error) {
      return { counts, failed: { seed, message: error instanceof Error ? (error.stack ?? error.message) : String(error) } };
    }
  }
  return { counts };
};

parentPort?.postMessage(await run(workerData as Seeds));

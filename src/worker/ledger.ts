import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../lib/atomic-file.ts';
import type { Item } from '../runtimes/runtime.ts';
import { diskError, WorkerError } from './worker-error.ts';

const attemptSchema = z.object({
  item: z.string(),
  run: z.string(),
  stage: z.string(),
  attempt: z.number(),
  /** Names on the engine by the item's. */
  volumes: z.record(z.string(), z.string()),
});
const ledgerSchema = z.object({ version: z.literal(1), runs: z.array(z.string()), attempts: z.array(attemptSchema) });

export type LedgerAttempt = Readonly<z.output<typeof attemptSchema>>;

/** What the worker has on its engine, on its disk: written before it is made, taken out after it is swept. Rejects with WorkerError. */
export type Ledger = {
  runs(): readonly string[];
  attempts(): readonly LedgerAttempt[];
  begin(id: string, item: Item, volumes: Readonly<Record<string, string>>): Promise<void>;
  end(id: string): Promise<void>;
  forget(run: string): Promise<void>;
  /** Resolves when nothing is being written any more. */
  settled(): Promise<void>;
};

/** One process has a directory at a time. A file that is damaged counts as none. */
export const openLedger = async (directory: string): Promise<Ledger> => {
  const path = join(directory, 'worker.json');
  const what = `what is on the engine (${path})`;
  await mkdir(directory, { recursive: true, mode: 0o700 }).catch((error: unknown) => Promise.reject(diskError(what, error)));
  const before = await readLedger(path);
  const runs = new Set(before.runs);
  const attempts = new Map(before.attempts.map((attempt) => [attempt.item, attempt]));
  let writing: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;

  const write = (): Promise<void> => {
    next = undefined;
    const text = JSON.stringify({ version: 1, runs: [...runs], attempts: [...attempts.values()] });
    return writeAtomically(path, text).catch((error: unknown) => Promise.reject(diskError(what, error)));
  };
  /** What changes while it is written goes with the next. */
  const save = (): Promise<void> => {
    next ??= writing = writing.catch(() => {}).then(write);
    return next;
  };

  return {
    runs: () => [...runs],
    attempts: () => [...attempts.values()],
    begin: (id, item, volumes) => {
      runs.add(item.run);
      attempts.set(id, { item: id, run: item.run, stage: item.stage.name, attempt: item.attempt, volumes });
      return save();
    },
    end: (id) => (attempts.delete(id) ? save() : Promise.resolve()),
    forget: (run) => (runs.delete(run) ? save() : Promise.resolve()),
    settled: async () => {
      while (next !== undefined) await next.catch(() => {});
      await writing.catch(() => {});
    },
  };
};

const readLedger = async (path: string): Promise<z.output<typeof ledgerSchema>> => {
  const none = { version: 1, runs: [], attempts: [] } as const;
  try {
    const read = ledgerSchema.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return read.success ? read.data : { ...none, runs: [], attempts: [] };
  } catch (error) {
    if (error instanceof SyntaxError) return { ...none, runs: [], attempts: [] };
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { ...none, runs: [], attempts: [] };
    throw new WorkerError('WORKER_STATE_UNWRITABLE', `${path} cannot be read: ${String(error)}`, { cause: error });
  }
};

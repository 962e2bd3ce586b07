import { rm } from 'node:fs/promises';
import { openDatabase } from '../src/store/sql/database.ts';
import { takeOver } from '../src/store/sql/epoch.ts';
import { migrate } from '../src/store/sql/migrate.ts';
import { sqlQueue } from '../src/store/sql/queue.ts';
import { sqlRunStore } from '../src/store/sql/run-store.ts';
import { embeddedDirectory } from '../src/store/sql/testing/databases.ts';
import { postgresServer } from '../src/store/sql/testing/postgres-server.ts';
import { change, item, newRun, noted } from '../src/store/testing/samples.ts';

export type Dispatched = { readonly perSecond: number; readonly claimP50: number; readonly claimP99: number };

const slots = 4;

/**
 * So many items of a hundred runs of ten projects are claimed by so many workers with four slots each, whenever one is free, and finished with an append of
 * two events that takes the item out of the queue. Times in milliseconds. On Postgres, what was acknowledged is on the disk.
 */
export const dispatches = async (kind: 'postgres' | 'embedded', items: number, workers: number): Promise<Dispatched> => {
  const place = kind === 'postgres' ? await postgresPlace() : await embeddedPlace();
  const database = await openDatabase(place.at);
  await migrate(database);
  const epoch = await takeOver(database);
  const [runs, queue] = [sqlRunStore(database, epoch), sqlQueue(database, epoch)];
  const perRun = items / 100;
  for (let run = 0; run < 100; run++) {
    const [id, project] = [`run_${run}`, `ada/p${run % 10}`];
    await runs.create(newRun(id, { project }));
    await runs.append(change(id, 1, { push: Array.from({ length: perRun }, (_, i) => item(id, `s${i}`, { project })) }));
  }

  const known = new Map<string, number>();
  const ends = new Map<string, Promise<void>>();
  const claims: number[] = [];
  const work = async (worker: string): Promise<void> => {
    for (;;) {
      const began = performance.now();
      const [got] = await queue.claim([{ worker, labels: [], slots: 1 }], { now: Date.now(), until: Date.now() + 15_000 });
      claims.push(performance.now() - began);
      if (got === undefined) return;
      const end = (ends.get(got.run) ?? Promise.resolve()).then(async () => {
        const after = known.get(got.run) ?? 1;
        const guard = { item: got.id, token: got.claim?.token ?? 0, sequence: 1 };
        const facts = [noted('started'), noted('finished')];
        const answer = await runs.append(change(got.run, after, { facts, remove: [got.id], guard }));
        if (answer !== 'appended') throw new Error(`an append was answered ${answer}`);
        known.set(got.run, after + facts.length);
      });
      ends.set(got.run, end);
      await end;
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: workers * slots }, (_, i) => work(`w${i % workers}`)));
  const seconds = (performance.now() - began) / 1000;

  await epoch.release();
  await database.close();
  await place.close();
  const sorted = claims.toSorted((one, other) => one - other);
  const quantile = (part: number): number => sorted[Math.floor(sorted.length * part)] ?? Number.NaN;
  return { perSecond: items / seconds, claimP50: quantile(0.5), claimP99: quantile(0.99) };
};

const postgresPlace = async () => {
  const server = await postgresServer({ durable: true });
  return { at: { kind: 'postgres', url: server.url('postgres') } as const, close: server.close };
};

const embeddedPlace = async () => {
  const directory = await embeddedDirectory();
  return { at: { kind: 'embedded', directory } as const, close: () => rm(directory, { recursive: true }) };
};

import { type Kysely, sql, type Transaction } from 'kysely';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { Database } from './database.ts';
import { migrate } from './migrate.ts';
import { betweenTriesMs, pause, type ServerLock, takeServerLock, tryLock } from './server-lock.ts';

/**
 * That this process is the one server of a database. It holds until another has taken over; each write asks for that anew, also those of stores that know
 * no epoch: each table has a trigger for it (0011-fence.sql).
 */
export type Epoch = {
  /** Aborts when another has taken over: nothing that this server says counts any more. */
  readonly replaced: AbortSignal;
  /** One transaction; rejects with STORE_LOCKED when another has taken over. */
  write<T>(work: (trx: Transaction<unknown>) => Promise<T>): Promise<T>;
  /** For statements that begin with `check_server(holder)` themselves: one, or a transaction of them. */
  ask<T>(work: (db: Kysely<unknown>, holder: string) => Promise<T>): Promise<T>;
  /** For the next server not to wait. */
  release(): Promise<void>;
};

export type TakeOver = {
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  /** Called once when another has the database and is waited for. */
  readonly waiting?: () => void;
};

/**
 * Becomes the one server as soon as there is no other, and brings the tables forward then: never under one that still works. A lock says who may: it is a connection's, so that it goes with its server. A name, that of
 * this opening of the database, says who it is: one that only believes to be the server cannot write, also where a fail-over lost the last commits.
 * Rejects with StoreError, or with the signal's reason.
 */
export const takeOver = async (database: Database, { signal, clock = systemClock, waiting }: TakeOver = {}): Promise<Epoch> => {
  const { sql: db, holder } = database;
  const replaced = new AbortController();
  const released = new AbortController();
  const lock =
    database.kind === 'postgres'
      ? await takeServerLock(db, { clock, signal: signal ?? released.signal, ...(waiting && { waiting }) })
      : unshared;
  try {
    await migrate(database);
    await enter(database);
  } catch (error) {
    await lock.release();
    throw error;
  }
  database.onReplaced(() => replaced.abort());
  const watched = watch({ db, lock, holder, clock, stop: AbortSignal.any([released.signal, replaced.signal]), replaced });
  return {
    replaced: replaced.signal,
    write: (work) =>
      db.transaction().execute(async (trx) => {
        await sql`select check_server(${holder})`.execute(trx);
        return work(trx);
      }),
    ask: (work) => work(db, holder),
    release: async () => {
      released.abort();
      await watched;
    },
  };
};

/** Nobody else has the directory of an embedded one. */
const unshared: ServerLock = { check: async () => {}, release: async () => {} };

/** Waits for the writes of the one before. Tokens go on above all that it may have given, also those that a fail-over lost. */
export const enter = ({ sql: db, holder }: Pick<Database, 'sql' | 'holder'>): Promise<void> =>
  db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(4217002)`.execute(trx);
    await sql`update server set holder = ${holder}, epoch = epoch + 1`.execute(trx);
    await raiseTokens(trx);
  });

const raiseTokens = async (db: Kysely<unknown>): Promise<void> =>
  void (await sql`select setval('fencing_token', greatest(last_value + 1, (extract(epoch from clock_timestamp()) * 1000000)::bigint)) from fencing_token`.execute(
    db,
  ));

const betweenChecksMs = 5_000;

type Watch = {
  readonly db: Kysely<unknown>;
  readonly lock: ServerLock;
  readonly holder: string;
  readonly clock: Clock;
  readonly stop: AbortSignal;
  readonly replaced: AbortController;
};

/** Takes the lock anew when its connection has gone, as long as no other server was faster. */
const watch = async ({ db, lock: first, holder, clock, stop, replaced }: Watch): Promise<void> => {
  let lock: ServerLock | undefined = first;
  while (!stop.aborted) {
    await pause(clock, lock === undefined ? betweenTriesMs : betweenChecksMs, stop);
    if (stop.aborted) break;
    try {
      if (lock === undefined) {
        lock = await tryLock(db);
        if (!(await isHolder(db, holder))) replaced.abort();
        else if (lock !== undefined) await raiseTokens(db);
      } else {
        await lock.check();
      }
    } catch {
      await lock?.release();
      lock = undefined;
    }
  }
  await lock?.release();
};

const isHolder = async (db: Kysely<unknown>, holder: string): Promise<boolean> =>
  (await sql`select from server where holder = ${holder}`.execute(db)).rows.length > 0;

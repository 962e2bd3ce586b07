import { type Kysely, sql } from 'kysely';
import type { Clock } from '../../lib/clock.ts';

/** The lock of the one server: it is had by a connection, so that it goes when its process or its machine does. */
export type ServerLock = {
  /** Rejects when the connection has gone, and the lock with it. */
  check(): Promise<void>;
  release(): Promise<void>;
};

const lockKey = 4_217_003;
export const betweenTriesMs = 1_000;

/** Waits until it is free. Rejects with StoreError, or with the signal's reason. */
export const takeServerLock = async (
  db: Kysely<unknown>,
  { clock, signal, waiting }: { readonly clock: Clock; readonly signal: AbortSignal; readonly waiting?: () => void },
): Promise<ServerLock> => {
  let told = false;
  for (;;) {
    const lock = await tryLock(db);
    if (lock !== undefined) return lock;
    if (!told) waiting?.();
    told = true;
    await pause(clock, betweenTriesMs, signal);
    signal.throwIfAborted();
  }
};

/** `undefined`: another has it. */
export const tryLock = (db: Kysely<unknown>): Promise<ServerLock | undefined> => {
  const outcome = Promise.withResolvers<ServerLock | undefined>();
  const done = Promise.withResolvers<void>();
  const ended = db
    .connection()
    .execute(async (connection) => {
      await keepAlive.execute(connection);
      const { rows } = await sql<{ got: boolean }>`select pg_try_advisory_lock(${lockKey}) as got`.execute(connection);
      if (rows[0]?.got !== true) return outcome.resolve(undefined);
      outcome.resolve({
        check: async () => void (await sql`select 1`.execute(connection)),
        release: () => {
          done.resolve();
          return ended;
        },
      });
      await done.promise;
      await sql`select pg_advisory_unlock(${lockKey})`.execute(connection);
    })
    .catch((error: unknown) => outcome.reject(error));
  return outcome.promise;
};

/** A machine that has gone without a word is noticed within a minute. */
const keepAlive = sql`select set_config('tcp_keepalives_idle', '30', false), set_config('tcp_keepalives_interval', '10', false),
  set_config('tcp_keepalives_count', '3', false)`;

/** Resolves when the time or the signal comes. */
export const pause = (clock: Clock, ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(ms, end);
    signal.addEventListener('abort', end, { once: true });
  });

import { randomUUID } from 'node:crypto';
import { Kysely, PostgresDialect, sql } from 'kysely';
import pg, { type PoolConfig } from 'pg';

import { type Clock, systemClock } from '../../lib/clock.ts';
import { StoreError } from '../store-error.ts';
import { startEmbedded } from './embedded.ts';
import { poolOf } from './pool.ts';

/**
 * Where the state of a server is: a Postgres of its own, or one that lives in this process and keeps all it has in a directory, which only one process
 * may have open.
 */
export type DatabasePlace =
  | { readonly kind: 'embedded'; readonly directory: string }
  /** `postgres://user:password@host/name`, or `postgres:///name?host=/directory&user=user`. */
  | { readonly kind: 'postgres'; readonly url: string };

/**
 * Both kinds are Postgres to who asks them. A transaction has one connection, and the embedded one has only that: who is in a transaction asks
 * through it and nothing else. `sql` rejects with StoreError alone; after STORE_UNAVAILABLE, whether a commit came through is not known.
 */
export type Database = {
  readonly sql: Kysely<unknown>;
  readonly kind: DatabasePlace['kind'];
  /** For people; without its password. */
  readonly name: string;
  /** Drawn anew for each opening. All its connections say it; what they write is refused (STORE_LOCKED) when a server of another name has the database. */
  readonly holder: string;
  /** Called from then on each time that something was refused for that. */
  onReplaced(tell: () => void): void;
  close(): Promise<void>;
};

/** Rejects with STORE_UNAVAILABLE, STORE_LOCKED or STORE_FAILED. What is in it: see `migrate`. */
export const openDatabase = (place: DatabasePlace, clock: Clock = systemClock): Promise<Database> =>
  place.kind === 'embedded' ? openEmbedded(place.directory, clock) : openPostgres(place.url);

const betweenVacuumsMs = 10 * 60_000;

const openEmbedded = async (directory: string, clock: Clock): Promise<Database> => {
  const embedded = await startEmbedded(directory);
  const { sql, ...opening } = opened({ host: embedded.host, user: 'postgres', database: 'postgres', max: 1, query_timeout: 2 * longestMs });
  let isOpen = true;
  let stopVacuum = (): void => {};
  const vacuumLater = (): void => {
    if (isOpen) stopVacuum = clock.after(betweenVacuumsMs, () => void vacuum(sql).then(vacuumLater));
  };
  vacuumLater();
  return {
    sql,
    ...opening,
    kind: 'embedded',
    name: `the database in ${directory}`,
    close: async () => {
      isOpen = false;
      stopVacuum();
      await sql.destroy();
      await embedded.close();
    },
  };
};

const oldest = 15;
const connections = 20;
const patienceMs = 10_000;
const longestMs = 60_000;

const openPostgres = async (url: string): Promise<Database> => {
  const name = nameOf(url);
  const { sql, ...opening } = opened({
    connectionString: url,
    max: connections,
    keepAlive: true,
    connectionTimeoutMillis: patienceMs,
    statement_timeout: longestMs,
    query_timeout: longestMs + patienceMs,
    idle_in_transaction_session_timeout: longestMs,
    application_name: 'cion',
  });
  try {
    const version = await serverVersion(sql);
    if (version < oldest) throw new StoreError('STORE_FAILED', `The database is Postgres ${version}; it has to be ${oldest} or newer.`);
  } catch (error) {
    await sql.destroy();
    throw error;
  }
  return { sql, ...opening, kind: 'postgres', name, close: () => sql.destroy() };
};

const opened = (config: PoolConfig): Pick<Database, 'sql' | 'holder' | 'onReplaced'> => {
  const holder = randomUUID();
  const told: (() => void)[] = [];
  const pool = poolOf({ ...config, holder, onReplaced: () => told.forEach((tell) => tell()) });
  return { sql: new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) }), holder, onReplaced: (tell) => void told.push(tell) };
};

const serverVersion = async (db: Kysely<unknown>): Promise<number> => {
  const { rows } = await sql<{ version: number }>`select current_setting('server_version_num')::int as version`.execute(db);
  return Math.floor((rows[0]?.version ?? 0) / 10_000);
};

/** Nothing does it by itself in the embedded one. When it fails, the next time will do. */
const vacuum = (db: Kysely<unknown>): Promise<void> =>
  sql`vacuum (analyze)`.execute(db).then(
    () => undefined,
    () => undefined,
  );

const nameOf = (url: string): string => {
  try {
    const { host, port, database = '' } = new pg.Client({ connectionString: url });
    return `the database ${database} of ${host}:${port}`;
  } catch {
    throw new StoreError('STORE_UNAVAILABLE', 'The address of the database is none; it looks like postgres://user:password@host/name.');
  }
};

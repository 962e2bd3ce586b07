import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { type Database, openDatabase } from '../database.ts';
import { migrate, readMigrations } from '../migrate.ts';
import { type PostgresServer, postgresServer, whyNoPostgres } from './postgres-server.ts';
import { copyDirectory, templateDirectoryOf } from './template-directory.ts';

/** A kind of database that a suite runs on; `skip` as node:test wants it. */
export type TestDatabases = { readonly name: string; readonly skip: string | false; make(): Promise<TestDatabase> };

/** A database of one's own, with all its tables. */
export type TestDatabase = {
  readonly database: Database;
  /** The same one as another process sees it; closed with the rest. The embedded one has no others. */
  another(): Promise<Database>;
  /** Empties all tables; numbers and tokens go on. */
  clear(): Promise<void>;
  close(): Promise<void>;
};

/** The directory of an embedded database with all its tables, which nobody has open. */
export const embeddedDirectory = async (): Promise<string> => {
  const template = await templateDirectoryOf(`pglite ${await migrationsHash()}`, async (directory) => {
    await migrated(await openDatabase({ kind: 'embedded', directory }));
  });
  const directory = mkdtempSync(join(tmpdir(), 'cion-test-db-'));
  copyDirectory(join(template, 'data'), join(directory, 'data'));
  return directory;
};

const pglite = async (): Promise<TestDatabase> => {
  const directory = await embeddedDirectory();
  const database = await openDatabase({ kind: 'embedded', directory });
  return {
    database,
    another: () => Promise.reject(new Error('the embedded database has one process')),
    clear: () => clear(database),
    close: async () => {
      await database.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};

let shared: Promise<PostgresServer> | undefined;
let made = 0;

const postgres = async (): Promise<TestDatabase> => {
  shared ??= serverWithTemplate();
  const server = await shared;
  const name = `test_${++made}`;
  await admin(server, `create database ${name} template migrated`);
  const open = () => openDatabase({ kind: 'postgres', url: server.url(name) });
  const opened = [await open()];
  const [database] = opened as [Database];
  return {
    database,
    another: async () => {
      const other = await open();
      opened.push(other);
      return other;
    },
    clear: () => clear(database),
    close: async () => {
      for (const one of opened) await one.close();
      await admin(server, `drop database ${name} with (force)`);
    },
  };
};

export const testDatabases: readonly TestDatabases[] = [
  { name: 'PGlite', skip: false, make: pglite },
  { name: 'Postgres', skip: whyNoPostgres(), make: postgres },
];

const serverWithTemplate = async (): Promise<PostgresServer> => {
  const server = await postgresServer();
  await admin(server, 'create database migrated');
  await migrated(await openDatabase({ kind: 'postgres', url: server.url('migrated') }));
  return server;
};

const migrated = async (database: Database): Promise<void> => {
  try {
    await migrate(database);
  } finally {
    await database.close();
  }
};

const admin = async (server: PostgresServer, statement: string): Promise<void> => {
  const database = await openDatabase({ kind: 'postgres', url: server.url('postgres') });
  await sql.raw(statement).execute(database.sql);
  await database.close();
};

const migrationsHash = async (): Promise<string> => {
  const hash = createHash('sha256');
  for (const { name, text } of await readMigrations()) hash.update(`${name}\n${text}\n`);
  return hash.digest('hex');
};

const kept = ['migration', 'server'];

const clear = async ({ sql: db }: Database): Promise<void> => {
  const { rows } = await sql<{ name: string }>`select tablename as name from pg_tables where schemaname = 'public'`.execute(db);
  const tables = rows.map(({ name }) => name).filter((name) => !kept.includes(name));
  await sql`truncate ${sql.join(tables.map((name) => sql.table(name)))} cascade`.execute(db);
};

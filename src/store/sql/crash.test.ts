import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { change, newRun, noted } from '../testing/samples.ts';
import { type Database, type DatabasePlace, openDatabase } from './database.ts';
import { type Epoch, takeOver } from './epoch.ts';
import { migrate } from './migrate.ts';
import { sqlQueue } from './queue.ts';
import { sqlRunStore } from './run-store.ts';
import { embeddedDirectory } from './testing/databases.ts';
import { type PostgresServer, postgresServer, whyNoPostgres } from './testing/postgres-server.ts';

/** Lets a process write until so many events are acknowledged, then does `kill`; answers the last that was. */
const writeUntil = async (run: string, place: DatabasePlace, count: number, kill: (pid: number) => unknown): Promise<number> => {
  const victim = fileURLToPath(new URL('./testing/victim.ts', import.meta.url));
  const child = spawn(process.execPath, [victim, run, JSON.stringify(place)], { stdio: ['ignore', 'pipe', 'ignore'] });
  const exited = once(child, 'exit');
  let last = 0;
  for await (const line of createInterface(child.stdout)) {
    last = Number(line);
    if (last === count) kill(child.pid ?? 0);
  }
  await exited;
  assert.ok(last >= count, `it ended after ${last}`);
  return last;
};

/** All that was acknowledged is there, in order; at most the write that was under way is there besides, and the queue fits. */
const holds = async (database: Database, run: string, last: number): Promise<void> => {
  const epoch = await takeOver(database);
  const [runs, queue] = [sqlRunStore(database, epoch), sqlQueue(database, epoch)];
  const events = await runs.events(run, 0);
  assert.ok(events.length === last || events.length === last + 1, `${events.length} of ${last}`);
  assert.ok(events.every(({ seq }, index) => seq === index + 1));
  assert.equal((await runs.list({ run, limit: 1 }))[0]?.lastSeq, events.length);
  const waiting = (await queue.list()).filter((item) => item.run === run);
  assert.deepEqual(
    waiting.map(({ stage }) => stage),
    [`s${events.length - 1}`],
  );
  await runs.append(change(run, events.length, { facts: [noted('goes on')], remove: waiting.map(({ id }) => id) }));
  await epoch.release();
};

describe('an embedded database', () => {
  it('has all that was acknowledged when its process was killed, and opens again (R-CIO-04)', async () => {
    const directory = await embeddedDirectory();
    const place: DatabasePlace = { kind: 'embedded', directory };
    for (const [round, count] of [30, 57].entries()) {
      const last = await writeUntil(`run_${round}`, place, count, (pid) => process.kill(pid, 'SIGKILL'));
      const database = await openDatabase(place);
      await holds(database, `run_${round}`, last);
      await database.close();
    }
    await rm(directory, { recursive: true });
  });
});

describe('a Postgres', { skip: whyNoPostgres() }, () => {
  let server: PostgresServer;
  let place: DatabasePlace;
  before(async () => {
    server = await postgresServer({ durable: true });
    place = { kind: 'postgres', url: server.url('postgres') };
    const database = await openDatabase(place);
    await migrate(database);
    await database.close();
  });
  after(() => server.close());

  it('has all that was acknowledged when the server was killed (R-CIO-04)', async () => {
    const last = await writeUntil('run_0', place, 60, (pid) => process.kill(pid, 'SIGKILL'));
    const database = await openDatabase(place);
    await holds(database, 'run_0', last);
    await database.close();
  });

  it('has all that was acknowledged when it was killed itself (R-CIO-04)', async () => {
    let killed: Promise<void> | undefined;
    const last = await writeUntil('run_1', place, 60, () => (killed = server.kill()));
    await killed;
    await server.start();
    const database = await openDatabase(place);
    await holds(database, 'run_1', last);
    await database.close();
  });

  describe('that goes away', () => {
    let database: Database;
    let epoch: Epoch;
    before(async () => {
      database = await openDatabase(place);
      epoch = await takeOver(database);
    });
    after(async () => {
      await epoch.release();
      await database.close();
    });

    it('is unavailable meanwhile, and the same store goes on when it is back', async () => {
      const runs = sqlRunStore(database, epoch);
      await runs.create(newRun('run_2'));
      const queries = Array.from({ length: 8 }, () => runs.list({ limit: 1 }));
      await Promise.all(queries);
      await server.kill();
      const unavailable = { name: 'StoreError', code: 'STORE_UNAVAILABLE' };
      await assert.rejects(runs.append(change('run_2', 1, { facts: [noted('lost')] })), unavailable);
      await assert.rejects(runs.list({ limit: 1 }), unavailable);
      await assert.rejects(runs.remove('run_2'), unavailable);
      await server.start();
      assert.equal(await runs.append(change('run_2', 1, { facts: [noted('kept')] })), 'appended');
      assert.equal((await runs.events('run_2', 0)).length, 2);
    });

    it('ends what was under way as unavailable, and nothing of it is there', async () => {
      const runs = sqlRunStore(database, epoch);
      const under = epoch.write(async (trx) => {
        await sql`delete from run`.execute(trx);
        await sql`select pg_terminate_backend(pg_backend_pid())`.execute(trx);
      });
      await assert.rejects(under, { name: 'StoreError', code: 'STORE_UNAVAILABLE' });
      assert.equal((await runs.list({ run: 'run_2', limit: 1 })).length, 1);
    });
  });
});

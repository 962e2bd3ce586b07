import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { virtualClock } from '../../lib/virtual-clock.ts';
import { change, item, newRun, noon, noted } from '../testing/samples.ts';
import type { Database } from './database.ts';
import { takeOver } from './epoch.ts';
import { sqlQueue } from './queue.ts';
import { sqlRunStore } from './run-store.ts';
import { type TestDatabase, testDatabases } from './testing/databases.ts';

const [, postgres] = testDatabases;
const lease = { now: noon, until: noon + 15_000 };
const worker = { worker: 'w1', labels: [], slots: 9 };

describe('the one server of a database', { skip: postgres?.skip ?? true }, () => {
  let made: TestDatabase;
  before(async () => {
    assert.ok(postgres);
    made = await postgres.make();
  });
  after(() => made.close());

  /** What a fail-over or an operator does to the connection that has the lock: the other server does not know. */
  const cutLock = (database: Database) =>
    sql`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted and objid = 4217003`.execute(database.sql);

  it('is waited for by a second one, which begins when the first has gone (atk-74)', async () => {
    const first = await takeOver(made.database);
    const clock = virtualClock();
    const waits = Promise.withResolvers<void>();
    let began = false;
    const second = takeOver(await made.another(), { clock, waiting: waits.resolve }).then((epoch) => {
      began = true;
      return epoch;
    });
    await waits.promise;
    assert.equal(began, false);
    await first.release();
    while (!began) await clock.advance(1_000);
    await (await second).release();
  });

  it('stops waiting when it is told to', async () => {
    const first = await takeOver(made.database);
    const stop = new AbortController();
    const second = takeOver(await made.another(), { signal: stop.signal, waiting: () => stop.abort(new Error('enough')) });
    await assert.rejects(second, /enough/);
    await first.release();
  });

  it('cannot write any more when another has taken over, though it believes to be it (atk-74)', async () => {
    await made.clear();
    const [old, young] = [made.database, await made.another()];
    const clock = virtualClock();
    const first = await takeOver(old, { clock });
    const [runs, queue] = [sqlRunStore(old, first), sqlQueue(old, first)];
    await runs.create(newRun('run_a'));
    await runs.append(change('run_a', 1, { push: [item('run_a', 'build'), item('run_a', 'test')] }));
    const [held] = await queue.claim([{ ...worker, slots: 1 }], lease);
    assert.ok(held?.claim);

    await cutLock(young);
    const second = await takeOver(young);
    assert.equal(first.replaced.aborted, false);
    const refused = { name: 'StoreError', code: 'STORE_LOCKED' };
    await assert.rejects(runs.create(newRun('run_b')), refused);
    await assert.rejects(runs.append(change('run_a', 1, { facts: [noted('late')] })), refused);
    await assert.rejects(queue.claim([worker], lease), refused);
    await assert.rejects(queue.renew([{ item: held.id, token: held.claim.token }], noon), refused);
    await assert.rejects(queue.reclaim('w1', [], noon), refused);
    await assert.rejects(runs.remove('run_a'), refused);
    assert.equal(first.replaced.aborted, true);

    const theirs = sqlRunStore(young, second);
    assert.deepEqual(
      (await theirs.events('run_a', 0)).map(({ kind }) => kind),
      ['run.created'],
    );
    assert.equal(await theirs.append(change('run_a', 1, { facts: [noted('mine')] })), 'appended');
    await first.release();
    await second.release();
  });

  it('finishes the write that is under way before another begins (atk-74)', async () => {
    await made.clear();
    const other = await made.another();
    const first = await takeOver(made.database, { clock: virtualClock() });
    const order: string[] = [];
    const [begun, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const writing = first.write(async () => {
      begun.resolve();
      await goOn.promise;
      order.push('written');
    });
    await begun.promise;
    await cutLock(other);
    const taking = takeOver(other).then((epoch) => {
      order.push('taken over');
      return epoch;
    });
    const waits = async () =>
      (await sql`select from pg_locks where objid = 4217002 and not granted`.execute(made.database.sql)).rows.length > 0;
    while (!(await waits())) assert.deepEqual(order, []);
    goOn.resolve();
    await writing;
    const second = await taking;
    assert.deepEqual(order, ['written', 'taken over']);
    await first.release();
    await second.release();
  });

  it('notices by itself that another has taken over (atk-74)', async () => {
    const clock = virtualClock();
    const other = await made.another();
    const first = await takeOver(made.database, { clock });
    await cutLock(other);
    const second = await takeOver(other);
    const noticed = new Promise<void>((resolve) => first.replaced.addEventListener('abort', () => resolve()));
    let isOver = false;
    void noticed.then(() => (isOver = true));
    while (!isOver) await clock.advance(1_000);
    await first.release();
    await second.release();
  });

  it('takes its lock again when its connection was cut and nobody was faster', async () => {
    const clock = virtualClock();
    const other = await made.another();
    const first = await takeOver(made.database, { clock });
    await cutLock(other);
    const hasLock = async () =>
      (await sql`select from pg_locks where locktype = 'advisory' and objid = 4217003`.execute(other.sql)).rows.length > 0;
    while (!(await hasLock())) await clock.advance(1_000);
    assert.equal(await first.write(async () => 'written'), 'written');
    assert.equal(first.replaced.aborted, false);
    await first.release();
  });

  it('gives tokens above all that were given before, also those that the database forgot in a fail-over (atk-74)', async () => {
    await made.clear();
    const first = await takeOver(made.database);
    const [runs, queue] = [sqlRunStore(made.database, first), sqlQueue(made.database, first)];
    await runs.create(newRun('run_a'));
    await runs.append(change('run_a', 1, { push: [item('run_a', 'build')], facts: [noted('one')] }));
    const before = await queue.claim([worker], lease);
    await first.release();

    await sql`update queue_item set claimed_by = null, claimed_at = null, leased_until = null, token = null`.execute(made.database.sql);
    await sql`alter table event disable trigger event_stays`.execute(made.database.sql);
    await sql`delete from event where seq = 2`.execute(made.database.sql);
    await sql`alter table event enable trigger event_stays`.execute(made.database.sql);
    await sql`update run set last_seq = 1`.execute(made.database.sql);
    await sql`select setval('fencing_token', 1)`.execute(made.database.sql);

    const second = await takeOver(made.database);
    const [theirs, theirQueue] = [sqlRunStore(made.database, second), sqlQueue(made.database, second)];
    const token = before[0]?.claim?.token ?? Number.NaN;
    const guard = { item: 'run_a/build/1', token };
    const [again] = await theirQueue.claim([worker], lease);
    assert.ok((again?.claim?.token ?? 0) > token);
    assert.equal(await theirs.append(change('run_a', 2, { facts: [noted('two')], guard })), 'fenced');
    assert.equal(await theirs.append(change('run_a', 2, { facts: [noted('two')] })), 'conflict');
    await second.release();
  });
});

for (const { name, skip, make } of testDatabases) {
  describe(`events: ${name}`, { skip }, () => {
    it('neither change nor go, but with their run', async () => {
      const made = await make();
      const db = made.database.sql;
      const epoch = await takeOver(made.database);
      const runs = sqlRunStore(made.database, epoch);
      await runs.create(newRun('run_a'));
      await runs.append(change('run_a', 1, { facts: [noted('one')] }));
      await assert.rejects(sql`update event set at = 0`.execute(db), { code: 'STORE_FAILED' });
      await assert.rejects(sql`delete from event where seq = 2`.execute(db), { code: 'STORE_FAILED' });
      assert.equal((await runs.events('run_a', 0)).length, 2);
      await runs.remove('run_a');
      assert.equal((await runs.events('run_a', 0)).length, 0);
      await epoch.release();
      await made.close();
    });
  });
}

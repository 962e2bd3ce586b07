import { change, item, newRun, noon, noted } from '../../testing/samples.ts';
import { type DatabasePlace, openDatabase } from '../database.ts';
import { takeOver } from '../epoch.ts';
import { sqlQueue } from '../queue.ts';
import { sqlRunStore } from '../run-store.ts';

/** Writes into a database until it is killed: `node victim.ts <run> <place as JSON>`. A line for each event that was acknowledged: its number. */
const [, , run = '', place = ''] = process.argv;
const database = await openDatabase(JSON.parse(place) as DatabasePlace);
const epoch = await takeOver(database);
const [runs, queue] = [sqlRunStore(database, epoch), sqlQueue(database, epoch)];
await runs.create(newRun(run));
process.stdout.write('1\n');
for (let known = 1; ; known++) {
  const facts = [noted(`${'x'.repeat((known * 37) % 2_000)} ${known + 1}`)];
  const [claimed] = await queue.claim([{ worker: 'w1', labels: [], slots: 1 }], { now: noon, until: noon });
  const remove = claimed === undefined ? [] : [claimed.id];
  const answer = await runs.append(change(run, known, { facts, push: [item(run, `s${known}`)], remove }));
  if (answer !== 'appended') throw new Error(`${answer} at ${known}`);
  process.stdout.write(`${known + 1}\n`);
}

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { newRunId } from '../lib/ids.ts';
import { stamped } from '../run/journal.ts';
import type { RunEvent, RunFact } from '../run/run-event.ts';
import { followJournal, openJournal, readJournal } from './journal.ts';
import { ownerOf, takeLock } from './lock.ts';
import { makeProjectDir, runState } from './project-dir.ts';

const created = (run: string): RunFact => ({ kind: 'run.created', run, number: 1, project: 'p', trigger: { kind: 'manual', by: 'me' } });
const skipped = (stage: string): RunFact => ({ kind: 'stage.skipped', stage, cause: { kind: 'not-selected' } });
const finished: RunFact = { kind: 'run.finished', outcome: 'passed' };

describe('the journal of a run', () => {
  let dir: string;
  before(async () => {
    dir = await makeProjectDir(await mkdtemp(join(tmpdir(), 'cion journal ')));
  });
  after(() => rm(join(dir, '..'), { recursive: true }));
  const file = (run: string) => join(runState(dir, run), 'events.jsonl');
  const id = () => newRunId(Date.now());

  it('gives back what was appended, in order, to the next that opens it and to readers', async () => {
    const run = id();
    const events = stamped([created(run), skipped('größe "x"\n'), skipped('b')], 0, 5);
    const first = await openJournal(dir, run);
    await first.append(events.slice(0, 1));
    await Promise.all([first.append(events.slice(1, 2)), first.append(events.slice(2))]);
    await first.close();
    const second = await openJournal(dir, run);
    assert.deepEqual(second.past, events);
    await second.append(stamped([finished], 3, 6));
    await second.close();
    assert.deepEqual(await readJournal(dir, run), [...events, { seq: 4, at: 6, ...finished }]);
    assert.equal((await readFile(file(run), 'utf8')).split('\n').length, 5);
    assert.equal(await readJournal(dir, id()), undefined);
  });

  it('cuts a last line that a crash tore, whatever is left of it', async () => {
    const run = id();
    const journal = await openJournal(dir, run);
    await journal.append(stamped([created(run), skipped('a')], 0, 5));
    await journal.close();
    const whole = await readFile(file(run));
    for (const rest of ['{', '{"seq":3,"at":5,"kind":"stage.skip', '\0\0\0\0', '{"seq":3\n', '\0\0\n']) {
      await writeFile(file(run), whole);
      await appendFile(file(run), rest);
      assert.equal((await readJournal(dir, run))?.length, 2);
      const again = await openJournal(dir, run);
      assert.equal(again.past.length, 2);
      await again.append(stamped([finished], 2, 5));
      await again.close();
      assert.deepEqual((await readJournal(dir, run))?.at(-1), { seq: 3, at: 5, ...finished });
    }
  });

  it('refuses a journal that is broken in its middle, naming the line', async () => {
    const run = id();
    const journal = await openJournal(dir, run);
    await journal.append(stamped([created(run), skipped('a'), skipped('b')], 0, 5));
    await journal.close();
    const [one, , three] = (await readFile(file(run), 'utf8')).split('\n');
    await writeFile(file(run), `${one}\n${three}\n${three}\n`);
    await assert.rejects(readJournal(dir, run), { code: 'JOURNAL_BROKEN', message: /line 2/ });
    await assert.rejects(openJournal(dir, run), { code: 'JOURNAL_BROKEN' });
    assert.equal(await ownerOf(dir, run), undefined);
  });

  it('keeps events of kinds that it does not know', async () => {
    const run = id();
    const journal = await openJournal(dir, run);
    await journal.append(stamped([created(run)], 0, 5));
    await journal.close();
    await appendFile(file(run), '{"seq":2,"at":6,"kind":"stage.dreamt","of":["sheep"]}\n');
    const again = await openJournal(dir, run);
    await again.append(stamped([finished], 2, 7));
    await again.close();
    assert.deepEqual((await readJournal(dir, run))?.[1], { seq: 2, at: 6, kind: 'stage.dreamt', of: ['sheep'] });
  });

  it('refuses events that do not follow, and takes those that do afterwards', async () => {
    const run = id();
    const journal = await openJournal(dir, run);
    await assert.rejects(journal.append(stamped([created(run)], 7, 5)), { code: 'STATE_UNWRITABLE' });
    await journal.append(stamped([created(run)], 0, 5));
    await journal.close();
    await assert.rejects(journal.append(stamped([finished], 1, 5)), { code: 'STATE_UNWRITABLE' });
    assert.equal((await readJournal(dir, run))?.length, 1);
  });

  it('shows followers past events, then new ones, to the end of the run, also where it went on after an end', async () => {
    const run = id();
    const follow = async (): Promise<readonly RunEvent[]> => {
      const seen: RunEvent[] = [];
      for await (const event of followJournal(dir, run, { signal: AbortSignal.timeout(20_000) })) seen.push(event);
      return seen;
    };
    const early = follow();
    const journal = await openJournal(dir, run);
    const facts = [created(run), ...Array.from({ length: 300 }, (_, i) => skipped(`s${i}`))];
    const events = stamped(facts, 0, 5);
    await journal.append(events.slice(0, 100));
    const late = follow();
    for (const event of events.slice(100)) await journal.append([event]);
    await journal.append(stamped([finished], 301, 5));
    assert.deepEqual([(await early).length, (await late).length], [302, 302]);
    await journal.append(stamped([{ kind: 'run.rerun', stages: ['s1'], trigger: { kind: 'manual', by: 'me' } }, finished], 302, 6));
    assert.equal((await follow()).length, 304);
    await journal.close();
  });

  it('ends a follower quietly when its signal aborts, also of a run that never was', async () => {
    const abort = new AbortController();
    const following = followJournal(dir, id(), { signal: abort.signal }).next();
    abort.abort();
    assert.equal((await following).done, true);
  });

  it('has each event whose append had resolved after kill -9, and lets the next process take over at once', async () => {
    const run = id();
    const child = spawn(process.execPath, [
      '--input-type=module',
      '--eval',
      `import { openJournal } from ${JSON.stringify(new URL('./journal.ts', import.meta.url).href)};
       const journal = await openJournal(${JSON.stringify(dir)}, ${JSON.stringify(run)});
       for (let seq = 1; ; seq++) {
         await journal.append([{ seq, at: 1, kind: 'volume.filled', volume: 'v'.repeat(seq % 3000) }]);
         process.stdout.write(seq + '\\n');
       }`,
    ]);
    let promised = 0;
    await new Promise<void>((resolve) => {
      child.stdout.on('data', (text) => {
        promised = Number(String(text).trim().split('\n').at(-1));
        if (promised > 60) resolve();
      });
    });
    assert.deepEqual(await ownerOf(dir, run), { pid: child.pid });
    await assert.rejects(openJournal(dir, run), { code: 'RUN_BUSY', message: new RegExp(`process ${child.pid}`) });
    child.kill('SIGKILL');
    assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL']);
    const journal = await openJournal(dir, run);
    assert.ok(journal.past.length >= promised);
    await journal.append(stamped([finished], journal.past.length, 2));
    await journal.close();
  });
});

describe('the lock of a run', () => {
  let dir: string;
  before(async () => {
    dir = await makeProjectDir(await mkdtemp(join(tmpdir(), 'cion-lock-')));
  });
  after(() => rm(join(dir, '..'), { recursive: true }));

  it('is held by one at a time, told to others, and free after release', async () => {
    const run = newRunId(Date.now());
    assert.equal(await ownerOf(dir, run), undefined);
    const lock = await takeLock(dir, run);
    assert.deepEqual(await ownerOf(dir, run), { pid: process.pid });
    await assert.rejects(takeLock(dir, run), { code: 'RUN_BUSY' });
    await lock.release();
    assert.equal(await ownerOf(dir, run), undefined);
    await (await takeLock(dir, run)).release();
  });

  it('goes to exactly one of many that find its owner dead', async () => {
    const run = newRunId(Date.now());
    await takeLock(dir, run);
    await writeFile(join(runState(dir, run), 'lock', '1'), '999999999 5\n');
    const tries = await Promise.allSettled(Array.from({ length: 30 }, () => takeLock(dir, run)));
    assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1);
  });

  it('does not take a process for the owner that got the number of a dead one', {
    skip: process.platform !== 'linux' && 'needs /proc',
  }, async () => {
    const run = newRunId(Date.now());
    await takeLock(dir, run);
    const path = join(runState(dir, run), 'lock', '1');
    const [pid, start] = (await readFile(path, 'utf8')).trim().split(' ');
    await writeFile(path, `${pid} ${Number(start) - 1}\n`);
    assert.equal(await ownerOf(dir, run), undefined);
    await truncate(path);
    await (await takeLock(dir, run)).release();
  });
});

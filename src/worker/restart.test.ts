import assert from 'node:assert/strict';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { doing } from '../engine/testing/fake-run.ts';
import type { Stage } from '../plan/plan.ts';
import type { Runtime } from '../runtimes/runtime.ts';
import { fakeSite } from './testing/fake-worker.ts';
import { talking } from './testing/talking.ts';

const work = [{ kind: 'volume', volume: 'work', path: '/w', access: 'read-write' }] as const;
const itemOf = (stage: Stage, run = 'run_1') => ({ run, project: 'test', stage, attempt: 1 });

describe('a worker that begins anew', () => {
  it('goes on with what it had let go, at the byte that it had on its disk: the log has each byte once (atk-71)', async (t) => {
    const { server, begin, clock, meanwhile } = fakeSite(t, 'wait');
    const voice = talking();
    const first = await begin('one', { runtime: voice.runtime });
    const item = server.push({ stage: doing('build', { FAKE_SLEEP_MS: '40000' }) });
    voice.say('told at once\n');
    await server.fact(item, 'stage.started');
    await clock.advance(1000);
    server.cut('one');
    voice.say('on the disk\n');
    await clock.advance(1000);
    first.leave();
    await first.ended;
    assert.equal(await server.logOf(item), 'told at once\n');
    voice.say('to nobody\n');
    server.mend('one');
    await begin('one', { world: first.world, stateDir: first.stateDir, runtime: voice.runtime });
    voice.say('to the next\n');
    assert.equal((await meanwhile(server.finished(item))).outcome, 'passed');
    assert.equal(await server.logOf(item), 'told at once\non the disk\nto nobody\nto the next\n');
    assert.equal(server.facts(item).filter(({ kind }) => kind === 'stage.started').length, 1);
    assert.deepEqual(
      voice.reads.map(({ stdout }) => stdout),
      [0, 'told at once\non the disk\n'.length],
    );
  });

  it('tells how a command ended that ended while nobody was there, and what it left (atk-71)', async (t) => {
    const { server, begin, clock, meanwhile } = fakeSite(t, 'wait');
    const first = await begin('one');
    const stage = doing('build', { FAKE_SLEEP_MS: '5000', FAKE_EXIT: '7', FAKE_WRITE: '{"/w/app":"made"}' }, { mounts: work });
    const item = server.push({ stage, keep: ['work'] });
    await server.fact(item, 'stage.started');
    await clock.advance(1000);
    first.leave();
    await first.ended;
    await clock.advance(10_000);
    await begin('one', first);
    assert.deepEqual((await meanwhile(server.finished(item))).cause, { kind: 'exit', code: 7 });
    const { tree } = await server.fact(item, 'volume.kept');
    const test = server.push({
      stage: doing('test', { FAKE_PRINT_FILE: '/w/app' }, { mounts: work }),
      volumes: { work: { kind: 'tree', digest: tree } },
    });
    await meanwhile(server.finished(test));
    assert.equal(await server.logOf(test), 'made');
  });

  it('runs once what it had prepared and not let go (atk-71)', async (t) => {
    const { server, begin, meanwhile } = fakeSite(t, 'wait');
    const starts: string[] = [];
    const deaf = new Promise<never>(() => {});
    let isDeaf = true;
    const api = {
      ...server.api,
      report: (...[request, signal]: Parameters<typeof server.api.report>) => {
        const isStart = request.items.some(({ facts }) => facts.some(({ kind }) => kind === 'stage.started'));
        return isDeaf && isStart ? deaf : server.api.report(request, signal);
      },
    };
    const counting = (runtime: Runtime): Runtime => ({
      ...runtime,
      start: (...given) => {
        starts.push(given[0].stage.name);
        return runtime.start(...given);
      },
    });
    const first = await begin('one', { more: { api }, runtime: counting });
    const stage = doing('build', { FAKE_STDOUT: 'once\n' });
    const item = server.push({ stage });
    await server.fact(item, 'stage.preparing');
    while (first.world.container(itemOf(stage)) === undefined) await new Promise(setImmediate);
    first.leave();
    await first.ended;
    assert.deepEqual(starts, []);
    isDeaf = false;
    await begin('one', { world: first.world, stateDir: first.stateDir, runtime: counting });
    assert.equal((await meanwhile(server.finished(item))).outcome, 'passed');
    assert.deepEqual(starts, ['build']);
    assert.equal(await server.logOf(item), 'once\n');
  });

  it('fills the volumes anew of what it had not let go: the process before may have died in the middle of it (atk-71)', async (t) => {
    const { server, begin, meanwhile } = fakeSite(t, 'wait');
    const made = await begin('one');
    const wrote = doing('build', { FAKE_WRITE: '{"/w/app":"made"}' }, { mounts: work });
    const { tree } = await meanwhile(server.fact(server.push({ stage: wrote, keep: ['work'] }), 'volume.kept'));
    made.leave();
    await made.ended;
    const asked = Promise.withResolvers<void>();
    const deaf: typeof server.bytes = (lease) => {
      const bytes = server.bytes(lease);
      const open = (): Promise<never> => {
        asked.resolve();
        return new Promise(() => {});
      };
      return { ...bytes, trees: { ...bytes.trees, open } };
    };
    const first = await begin('two', { more: { bytes: deaf } });
    const stage = doing('test', { FAKE_PRINT_FILE: '/w/app' }, { mounts: work });
    const item = server.push({ stage, volumes: { work: { kind: 'tree', digest: tree } } });
    await asked.promise;
    first.leave();
    await first.ended;
    await begin('two', { world: first.world, stateDir: first.stateDir });
    assert.equal((await meanwhile(server.finished(item))).outcome, 'passed');
    assert.equal(await server.logOf(item), 'made');
  });

  it('ends what it no longer holds, and leaves the volumes of runs under way', async (t) => {
    const { server, begin, clock } = fakeSite(t, 'wait');
    const first = await begin('one');
    const stages = ['held', 'given-up', 'over'].map((name) => doing(name, { FAKE_SLEEP_MS: '3600000' }, { mounts: work }));
    const [held, givenUp, over] = stages as [Stage, Stage, Stage];
    const items = [
      server.push({ stage: held, run: 'run_1' }),
      server.push({ stage: givenUp, run: 'run_2' }),
      server.push({ stage: over, run: 'run_3' }),
    ];
    await Promise.all(items.map((item) => server.fact(item, 'stage.started')));
    await clock.advance(1000);
    first.leave();
    await first.ended;
    for (const lost of items.slice(1)) server.forget(lost);
    server.end('run_3');
    first.world.volume('run_9', 'of nobody');
    const there = (stage: Stage, run: string) => first.world.container(itemOf(stage, run)) !== undefined;
    assert.ok(there(held, 'run_1') && there(givenUp, 'run_2') && there(over, 'run_3'));
    await begin('one', first);
    while (there(givenUp, 'run_2') || first.world.runs().includes('run_3')) await clock.advance(100);
    assert.ok(there(held, 'run_1'));
    assert.deepEqual(first.world.runs().toSorted(), ['run_1', 'run_2']);
  });

  it('says so when it no longer knows where the files of a command are that it goes on with', async (t) => {
    const { server, begin, clock, meanwhile } = fakeSite(t, 'wait');
    const first = await begin('one');
    const stage = doing('build', { FAKE_SLEEP_MS: '5000' }, { mounts: work });
    const item = server.push({ stage, keep: ['work'] });
    await server.fact(item, 'stage.started');
    await clock.advance(1000);
    first.leave();
    await first.ended;
    await rm(join(first.stateDir, 'worker.json'));
    await begin('one', first);
    const { outcome, cause } = await meanwhile(server.finished(item));
    assert.deepEqual([outcome, cause?.kind === 'error' && cause.code], ['errored', 'WORKER_STATE_LOST']);
  });

  it('has nothing left on its disk of what has ended', async (t) => {
    const { server, begin, clock, meanwhile } = fakeSite(t, 'wait');
    const worker = await begin('one');
    await meanwhile(server.finished(server.push({ stage: doing('build', { FAKE_STDOUT: 'said\n' }, { mounts: work }) })));
    server.end('run_1');
    while (worker.world.runs().length > 0) await clock.advance(1000);
    worker.drain();
    await worker.ended;
    assert.deepEqual(await readdir(join(worker.stateDir, 'spool')), []);
    assert.deepEqual(JSON.parse(await readFile(join(worker.stateDir, 'worker.json'), 'utf8')), { version: 1, runs: [], attempts: [] });
  });
});

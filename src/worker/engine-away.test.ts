import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { doing } from '../engine/testing/fake-run.ts';
import type { Runtime } from '../runtimes/runtime.ts';
import { RuntimeError } from '../runtimes/runtime-error.ts';
import { fakeSite } from './testing/fake-worker.ts';
import { talking } from './testing/talking.ts';

/** A runtime whose engine a test takes away and gives back; commands run on meanwhile. */
const losable = () => {
  let isAway = false;
  let away = Promise.withResolvers<never>();
  away.promise.catch(() => {});
  const lost = (): RuntimeError => new RuntimeError('ENGINE_LOST', 'the engine went away');
  const reached = async <T>(work: () => Promise<T>): Promise<T> => {
    if (isAway) throw new RuntimeError('ENGINE_UNREACHABLE', 'no engine answers');
    return Promise.race([work(), away.promise]);
  };
  return {
    lose: (): void => {
      isAway = true;
      away.reject(lost());
    },
    giveBack: (): void => {
      isAway = false;
      away = Promise.withResolvers();
      away.promise.catch(() => {});
    },
    runtime: (runtime: Runtime): Runtime => ({
      ...runtime,
      ready: (...given) => reached(() => runtime.ready(...given)),
      prepare: (...given) => reached(() => runtime.prepare(...given)),
      attach: (...given) => reached(async () => cut(await runtime.attach(...given))),
      start: (...given) => reached(async () => cutExecution(await runtime.start(...given))),
      sweep: (...given) => reached(() => runtime.sweep(...given)),
    }),
  };

  function cut(attached: Awaited<ReturnType<Runtime['attach']>>): typeof attached {
    return attached.kind === 'live' ? { ...attached, execution: cutExecution(attached.execution) } : attached;
  }

  function cutExecution(execution: Awaited<ReturnType<Runtime['start']>>): typeof execution {
    const exit = Promise.race([execution.exit, away.promise]);
    exit.catch(() => {});
    return { ...execution, exit };
  }
};

describe('a worker whose engine is away', () => {
  it('leaves what it had let go and goes on with it when the engine is back, every byte of its log once (atk-71)', async (t) => {
    const { server, begin, clock, meanwhile } = fakeSite(t, 'wait');
    const voice = talking();
    const engine = losable();
    await begin('one', { runtime: (runtime) => engine.runtime(voice.runtime(runtime)) });
    const item = server.push({ stage: doing('build', { FAKE_SLEEP_MS: '20000' }) });
    voice.say('before\n');
    await server.fact(item, 'stage.started');
    await clock.advance(1000);
    engine.lose();
    await clock.advance(3000);
    voice.say('after\n');
    engine.giveBack();
    assert.equal((await meanwhile(server.finished(item))).outcome, 'passed');
    assert.equal(await server.logOf(item), 'before\nafter\n');
    assert.equal(server.facts(item).filter(({ kind }) => kind === 'stage.started').length, 1);
  });

  it('spoils nothing that waits, and takes it when the engine is back', async (t) => {
    const { server, begin, clock, meanwhile } = fakeSite(t, 'wait');
    const engine = losable();
    await begin('one', { runtime: engine.runtime });
    await meanwhile(server.finished(server.push({ stage: doing('first', {}) })));
    engine.lose();
    const items = ['a', 'b', 'c'].map((name) => server.push({ stage: doing(name, { FAKE_STDOUT: `${name}\n` }) }));
    await clock.advance(10_000);
    for (const item of items) assert.ok(!server.facts(item).some(({ kind }) => kind === 'stage.finished'));
    engine.giveBack();
    for (const item of items) assert.equal((await meanwhile(server.finished(item))).outcome, 'passed');
    assert.deepEqual(await Promise.all(items.map((item) => server.logOf(item))), ['a\n', 'b\n', 'c\n']);
  });

  it('gives an attempt up that takes its engine down again and again', async (t) => {
    const { server, begin, meanwhile } = fakeSite(t, 'wait');
    await begin('one');
    const { outcome, cause } = await meanwhile(
      server.finished(server.push({ stage: doing('build', { FAKE_START_ERROR: 'ENGINE_LOST' }) })),
    );
    assert.deepEqual([outcome, cause?.kind === 'error' && cause.code], ['errored', 'ENGINE_LOST']);
  });
});

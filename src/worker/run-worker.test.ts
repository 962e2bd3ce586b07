import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { digestOf } from '../lib/canonical-json.ts';
import { after, doing } from '../engine/testing/fake-run.ts';
import type { WorkerApi } from '../api/worker-protocol.ts';
import type { Runtime } from '../runtimes/runtime.ts';
import { fakeSite } from './testing/fake-worker.ts';

const work = [{ kind: 'volume', volume: 'work', path: '/w', access: 'read-write' }] as const;

describe('a worker', () => {
  it('runs what it is given and tells of it in order, with its log and its document', async (t) => {
    const { server, begin } = fakeSite(t);
    await begin('one');
    const item = server.push({ stage: doing('build', { FAKE_STDOUT: 'hello\n', FAKE_SLEEP_MS: '30000', FAKE_EXIT: '3' }) });
    const finished = await server.finished(item);
    assert.deepEqual([finished.outcome, finished.cause], ['failed', { kind: 'exit', code: 3 }]);
    assert.deepEqual(
      server.facts(item).map(({ kind }) => kind),
      ['stage.preparing', 'image.resolved', 'stage.started', 'stage.finished'],
    );
    assert.equal(await server.logOf(item), 'hello\n');
  });

  it('is given at once what an answer told that was lost on its way', async (t) => {
    const { server, begin, clock } = fakeSite(t);
    let lost = 0;
    const losing: WorkerApi = {
      ...server.api,
      claim: async (...given) => {
        const answer = await server.api.claim(...given);
        if (lost > 0 || !answer.claimed.some(({ work: { stage } }) => stage.name === 'build')) return answer;
        lost += 1;
        throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
      },
    };
    await begin('one', { more: { api: losing } });
    const before = server.push({ stage: doing('before', { FAKE_SLEEP_MS: '60000' }) });
    await server.fact(before, 'stage.started');
    const told = server.push({ stage: doing('build', { FAKE_EXIT: '3' }) });
    const pushed = clock.now();
    assert.equal((await server.finished(told)).outcome, 'failed');
    assert.ok(clock.now() - pushed < 3000, `${clock.now() - pushed} ms`);
    assert.equal((await server.finished(before)).outcome, 'passed');
    assert.equal(server.facts(before).filter(({ kind }) => kind === 'stage.started').length, 1);
    assert.equal(lost, 1);
  });

  it('runs as many at a time as it has slots', async (t) => {
    const { server, begin } = fakeSite(t);
    let running = 0;
    let most = 0;
    const counting = (runtime: Runtime): Runtime => ({
      ...runtime,
      start: async (...given) => {
        most = Math.max(most, ++running);
        const execution = await runtime.start(...given);
        void execution.exit.then(() => running--);
        return execution;
      },
    });
    await begin('one', { runtime: counting, more: { slots: 2 } });
    const items = [1, 2, 3, 4, 5].map((n) => server.push({ stage: doing(`s${n}`, { FAKE_SLEEP_MS: '1000' }) }));
    await Promise.all(items.map(server.finished));
    assert.equal(most, 2);
  });

  it('hands what a stage left to another worker, that has another engine', async (t) => {
    const { server, begin } = fakeSite(t);
    await begin('one');
    await begin('two');
    const build = server.push({
      stage: doing('build', { FAKE_WRITE: JSON.stringify({ '/w/app': 'made' }) }, { mounts: work }),
      only: 'one',
      keep: ['work'],
    });
    await server.finished(build);
    const { volume, tree } = await server.fact(build, 'volume.kept');
    assert.equal(volume, 'work');
    const test = server.push({
      stage: doing('test', { FAKE_PRINT_FILE: '/w/app' }, { ...after('build'), mounts: work }),
      only: 'two',
      volumes: { work: { kind: 'tree', digest: tree } },
    });
    assert.equal((await server.finished(test)).outcome, 'passed');
    assert.equal(await server.logOf(test), 'made');
    assert.deepEqual(server.fetched, [tree]);
  });

  it('says of the files that others mount where they are, in the names of the plan', async (t) => {
    const { server, begin } = fakeSite(t);
    await begin('one');
    const stage = doing(
      'build',
      { FAKE_WRITE: JSON.stringify({ '/w/out/x': 'left', '/w/src': 'not' }) },
      { mounts: work, artifacts: { volume: 'work', except: ['src'] } },
    );
    const item = server.push({ stage, isMounted: true });
    const finished = await server.finished(item);
    assert.deepEqual(finished.tree, { volume: 'build@1.artifacts' });
    assert.equal((await server.fact(item, 'volume.kept')).volume, 'build@1.artifacts');
    assert.deepEqual(
      finished.artifacts?.files.map(({ path }) => path),
      ['out/', 'out/x'],
    );
  });

  it('errors a stage with the plan’s names where the engine’s would stand', async (t) => {
    const { server, begin } = fakeSite(t);
    await begin('one');
    const mounts = [{ kind: 'volume', volume: 'work', directory: 'missing', path: '/w', access: 'read-only' }] as const;
    const { cause } = await server.finished(server.push({ stage: doing('build', {}, { mounts }) }));
    assert.deepEqual(cause, {
      kind: 'error',
      code: 'VOLUME_DIRECTORY_MISSING',
      message: 'the volume "work" has no directory "missing"',
    });
  });

  it('gives a stage the values of its claim and none of its own machine, and masks what the run may not show', async (t) => {
    const { server, begin } = fakeSite(t);
    await begin('one');
    process.env['OF_THE_WORKER'] = 'not for stages';
    t.after(() => delete process.env['OF_THE_WORKER']);
    server.outputs.set('version', Buffer.from('1.2.3\n'));
    const outside = (name: string) => ({ kind: 'outside', name }) as const;
    const item = server.push({
      stage: {
        ...doing('print', { FAKE_PRINT_ENV: '1' }),
        env: {
          FAKE_PRINT_ENV: { kind: 'literal', value: '1' },
          REGION: outside('REGION'),
          OWN: outside('OF_THE_WORKER'),
          TOKEN: { kind: 'secret', name: 'TOKEN' },
          VERSION: { kind: 'output', stage: 'version' },
        },
      },
      outside: { variables: { REGION: 'north' }, secrets: { TOKEN: 'tok-7f3a9c' }, encrypted: {} },
      outputs: { version: { attempt: 1, digest: digestOf('1.2.3\n'), sensitive: false } },
      redact: ['tok-7f3a9c'],
    });
    assert.equal((await server.finished(item)).outcome, 'passed');
    assert.equal(await server.logOf(item), 'REGION=north\nOWN=\nTOKEN=**********\nVERSION=1.2.3\n');
  });

  it('refuses an output that is not what its stage wrote', async (t) => {
    const { server, begin } = fakeSite(t);
    await begin('one');
    server.outputs.set('version', Buffer.from('forged'));
    const stage = { ...doing('use'), env: { VERSION: { kind: 'output', stage: 'version' } } as const };
    const outputs = { version: { attempt: 1, digest: digestOf('1.2.3\n'), sensitive: false } };
    const { outcome, cause } = await server.finished(server.push({ stage, outputs }));
    assert.deepEqual([outcome, cause?.kind === 'error' && cause.code], ['errored', 'OUTPUT_CHANGED']);
  });

  it('masks a sensitive output that a stage is given', async (t) => {
    const { server, begin } = fakeSite(t);
    await begin('one');
    server.outputs.set('login', Buffer.from('tok-7f3a9c\n'));
    const stage = doing('use', { FAKE_STDOUT: 'it is tok-7f3a9c\n' });
    const outputs = { login: { attempt: 1, digest: digestOf('tok-7f3a9c\n'), sensitive: true } };
    const item = server.push({ stage: { ...stage, env: { ...stage.env, TOKEN: { kind: 'output', stage: 'login' } } }, outputs });
    await server.finished(item);
    assert.equal(await server.logOf(item), 'it is **********\n');
  });

  it('sends the exact output where the log may differ from it, before it says that the stage has ended', async (t) => {
    const { server, begin } = fakeSite(t);
    await begin('one');
    const said = 'with tok-7f3a9c\n';
    const item = server.push({ stage: doing('give', { FAKE_STDOUT: said }), isAsked: true, redact: ['tok-7f3a9c'] });
    const { output } = await server.finished(item);
    assert.deepEqual(output, { bytes: said.length, digest: digestOf(said) });
    assert.equal(Buffer.from(server.outputs.get('give') ?? []).toString(), said);
  });

  for (const [wish, ignores] of [
    ['stop', '0'],
    ['force', '1'],
  ] as const) {
    it(`ends a stage that the server wants cancelled: ${wish}`, async (t) => {
      const { server, begin } = fakeSite(t, 'wait');
      await begin('one');
      const item = server.push({
        stage: doing('long', { FAKE_SLEEP_MS: '3600000', ...(ignores === '1' ? { FAKE_IGNORE_STOP: '1' } : {}) }),
      });
      await server.fact(item, 'stage.started');
      server.cancel(item, wish);
      const { outcome, cause } = await server.finished(item);
      assert.deepEqual([outcome, cause], ['cancelled', { kind: 'cancelled' }]);
    });
  }

  it('takes nothing new when it is to end, gives back what was not let go, and waits for the rest', async (t) => {
    const { server, begin, meanwhile } = fakeSite(t, 'wait');
    const worker = await begin('one', { more: { slots: 2 } });
    const runs = server.push({ stage: doing('runs', { FAKE_SLEEP_MS: '60000' }) });
    const pulls = server.push({ stage: doing('pulls', { FAKE_PREPARE_MS: '600000' }) });
    await Promise.all([server.fact(runs, 'stage.started'), server.fact(pulls, 'stage.preparing')]);
    worker.drain();
    const late = server.push({ stage: doing('late') });
    await meanwhile(worker.ended);
    assert.equal((await server.finished(runs)).outcome, 'passed');
    assert.deepEqual([server.returned(pulls), server.returned(runs)], [1, 0]);
    assert.deepEqual(
      server.facts(pulls).map(({ kind }) => kind),
      ['stage.preparing'],
    );
    assert.deepEqual(server.facts(late), []);
    const next = await begin('two');
    await meanwhile(Promise.all([server.finished(pulls), server.finished(late)]));
    next.leave();
  });

  it('removes what is left of a run when that is over, and keeps it until then', async (t) => {
    const { server, begin } = fakeSite(t);
    const { world } = await begin('one');
    const write = doing('build', { FAKE_WRITE: '{"/w/a":"a"}' }, { mounts: work });
    await server.finished(server.push({ stage: write, keep: ['work'] }));
    await server.finished(server.push({ stage: doing('other'), run: 'run_2' }));
    assert.ok(world.runs().includes('run_1'));
    server.end('run_1');
    for (let n = 0; world.runs().includes('run_1'); n++) await server.finished(server.push({ stage: doing(`s${n}`), run: 'run_2' }));
    assert.ok(world.runs().includes('run_2'));
  });

  it('removes what is left of a run as soon as it is told that its own report was the last of it', async (t) => {
    const { server, begin } = fakeSite(t);
    const swept = Promise.withResolvers<void>();
    const watching = (runtime: Runtime): Runtime => ({
      ...runtime,
      sweep: async (scope, signal) => {
        const answer = await runtime.sweep(scope, signal);
        if (scope.kind === 'run' && scope.run === 'run_1') swept.resolve();
        return answer;
      },
    });
    let claims = 0;
    const counting: typeof server.api = {
      ...server.api,
      claim: (request, signal) => {
        claims++;
        return server.api.claim(request, signal);
      },
    };
    const { world } = await begin('one', { runtime: watching, more: { api: counting } });
    const write = doing('build', { FAKE_WRITE: '{"/w/a":"a"}', FAKE_SLEEP_MS: '1000' }, { mounts: work });
    const item = server.push({ stage: write, keep: ['work'] });
    await server.fact(item, 'stage.started');
    const before = claims;
    server.end('run_1');
    await swept.promise;
    assert.deepEqual([world.runs(), claims], [[], before]);
  });

  it('has what takes long ready while nothing runs, and leaves none of it however it ends', async (t) => {
    const { server, begin } = fakeSite(t);
    const done: string[] = [];
    let readied = Promise.withResolvers<void>();
    const watching = (runtime: Runtime): Runtime => ({
      ...runtime,
      ready: async () => {
        done.push('ready');
        readied.resolve();
      },
      start: async (...given) => {
        done.push('start');
        return runtime.start(...given);
      },
      sweep: (scope, signal) => {
        if (scope.kind === 'spare') done.push('spare');
        return runtime.sweep(scope, signal);
      },
    });
    const worker = await begin('one', { runtime: watching });
    await readied.promise;
    readied = Promise.withResolvers();
    await server.finished(server.push({ stage: doing('first') }));
    await readied.promise;
    assert.deepEqual(done, ['ready', 'start', 'ready']);
    worker.leave();
    await worker.ended;
    assert.equal(done.at(-1), 'spare');
  });

  it('leaves nothing on its engine when the server has taken it and then does not any more', async (t) => {
    const { server, begin } = fakeSite(t);
    let isRevoked = false;
    const refused = Object.assign(new Error('this token is of no worker'), { status: 401, code: 'TOKEN_UNKNOWN' });
    const { claim } = server.api;
    const api = { ...server.api, claim: (...given: Parameters<typeof claim>) => (isRevoked ? Promise.reject(refused) : claim(...given)) };
    const worker = await begin('one', { more: { api } });
    const item = server.push({ stage: doing('build', { FAKE_WRITE: '{"/w/a":"a"}' }, { mounts: work }), keep: ['work'] });
    await server.fact(item, 'stage.started');
    isRevoked = true;
    await server.finished(item);
    await assert.rejects(worker.ended, refused);
    assert.deepEqual(worker.world.runs(), []);
  });

  for (const [why, refused] of [
    ['the server does not know it', Object.assign(new Error('this token is of no worker'), { status: 401, code: 'TOKEN_UNKNOWN' })],
    ['its version is not the server’s', Object.assign(new Error('it speaks another protocol'), { status: 403, code: 'WORKER_PROTOCOL' })],
  ] as const) {
    it(`ends with a clear error when ${why}`, async (t) => {
      const { server, begin } = fakeSite(t);
      const worker = await begin('one', { more: { api: { ...server.api, claim: () => Promise.reject(refused) } } });
      await assert.rejects(worker.ended, refused);
    });
  }

  it('says that it is taken when the server has answered its first claim, once, and not before', async (t) => {
    const { server, begin, meanwhile } = fakeSite(t);
    const [claims, taken]: [string[], number[]] = [[], []];
    const claim: typeof server.api.claim = async (...asked) => {
      claims.push('asked');
      if (claims.length === 1) throw Object.assign(new Error('nobody listens there'), { code: 'ECONNREFUSED' });
      return server.api.claim(...asked);
    };
    await begin('one', { more: { api: { ...server.api, claim }, taken: () => taken.push(claims.length) } });
    await meanwhile(server.finished(server.push({ stage: doing('first') })));
    await meanwhile(server.finished(server.push({ stage: doing('second') })));
    assert.deepEqual(taken, [2]);
  });
});

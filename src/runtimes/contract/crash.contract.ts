import assert from 'node:assert/strict';
import { type ContractTest, collect, script, throwsCode } from './case.contract.ts';

const fromTheBeginning = { stdout: 0, stderr: 0 } as const;

export const crashContract = (test: ContractTest): void => {
  test('what was never prepared is gone', [], async ({ runtime, item, signal }) => {
    assert.deepEqual(await runtime.attach(item(script('true')), signal), { kind: 'gone' });
  });

  for (const log of [{}, { log: 'live' }] as const) {
    const named = log.log ?? 'kept';
    test(
      `what was prepared and not let go is unstarted for another process, which prepares and starts it; ${named} log`,
      [],
      async (given) => {
        const { item, prepare, start, subject, signal } = given;
        const waiting = item({ ...script('echo ran', { FAKE_STDOUT: 'ran\n' }), ...log });
        await prepare(waiting);
        const other = subject.another();
        assert.deepEqual(await other.attach(waiting, signal), { kind: 'unstarted' });
        await prepare(waiting, other);
        const execution = await start(waiting, {}, other);
        assert.equal((await collect(execution.logs(fromTheBeginning, signal))).text, 'ran\n');
        assert.equal((await execution.exit).code, 0);
      },
    );
  }

  test(
    'what was let go is live for another process: all its output, its exit, its stop',
    [],
    async ({ item, prepare, start, subject, signal }) => {
      const brief = item(script('echo out; echo err >&2; exit 7', { FAKE_STDOUT: 'out\n', FAKE_STDERR: 'err\n', FAKE_EXIT: '7' }));
      await prepare(brief);
      assert.equal((await (await start(brief)).exit).code, 7);
      const ended = await subject.another().attach(brief, signal);
      assert.ok(ended.kind === 'live');
      const { stdout, stderr } = await collect(ended.execution.logs(fromTheBeginning, signal));
      assert.deepEqual([stdout.toString(), stderr.toString()], ['out\n', 'err\n']);
      assert.deepEqual(await ended.execution.exit, { code: 7, oom: false });

      const long = item(script('sleep 600', { FAKE_SLEEP_MS: '600000' }));
      await prepare(long);
      await start(long);
      const running = await subject.another().attach(long, signal);
      assert.ok(running.kind === 'live');
      await running.execution.stop(0);
      assert.notEqual((await running.execution.exit).code, 0);
    },
  );

  test('a live log is lost with the process that let the command go: another gets LOG_GAP, the exit and the stop', [], async (given) => {
    const { item, prepare, start, subject, signal } = given;
    const brief = item({ ...script('echo out; exit 7', { FAKE_STDOUT: 'out\n', FAKE_EXIT: '7' }), log: 'live' });
    await prepare(brief);
    const first = await start(brief);
    const other = subject.another();
    const attached = await other.attach(brief, signal);
    assert.ok(attached.kind === 'live');
    await throwsCode(collect(attached.execution.logs(fromTheBeginning, signal)), 'LOG_GAP', /was not kept/);
    assert.equal((await attached.execution.exit).code, 7);
    await prepare(brief, other);
    await throwsCode(collect((await start(brief, {}, other)).logs(fromTheBeginning, signal)), 'LOG_GAP');
    assert.equal((await collect(first.logs(fromTheBeginning, signal))).text, 'out\n');

    const long = item({ ...script('sleep 600', { FAKE_SLEEP_MS: '600000' }), log: 'live' });
    await prepare(long);
    await start(long);
    const running = await subject.another().attach(long, signal);
    assert.ok(running.kind === 'live');
    await throwsCode(collect(running.execution.logs(fromTheBeginning, signal)), 'LOG_GAP');
    await running.execution.stop(0);
    assert.notEqual((await running.execution.exit).code, 0);
  });

  test('prepare and start of what another process has let go give its execution and no second one', [], async (given) => {
    const { item, prepare, start, drive, subject, signal } = given;
    const mounts = [{ kind: 'volume', volume: 'count', path: '/count', access: 'read-write' }] as const;
    const once = item({ ...script('echo run >> /count/runs; exit 8', { FAKE_WRITE: '{"/count/runs":"run\\n"}', FAKE_EXIT: '8' }), mounts });
    await prepare(once);
    assert.equal((await (await start(once)).exit).code, 8);
    const other = subject.another();
    await prepare(once, other);
    assert.equal((await (await start(once, {}, other)).exit).code, 8);
    signal.throwIfAborted();
    assert.equal((await drive(item({ ...script('cat /count/runs', { FAKE_PRINT_FILE: '/count/runs' }), mounts }))).text, 'run\n');
  });

  test('what was swept is gone', [], async ({ item, drive, subject, runtime, run, signal }) => {
    const one = item(script('true'));
    await drive(one);
    await runtime.sweep({ kind: 'attempt', run, stage: one.stage.name, attempt: one.attempt }, signal);
    assert.deepEqual(await runtime.attach(one, signal), { kind: 'gone' });
    assert.deepEqual(await subject.another().attach(one, signal), { kind: 'gone' });
  });

  test(
    'an image without a shell crashes as well as any',
    ['an image without a shell'],
    async ({ item, prepare, start, subject, signal }) => {
      const plain = item({ image: { kind: 'reference', reference: subject.imageWithoutShell ?? '' }, command: { kind: 'image' } });
      await prepare(plain);
      const other = subject.another();
      assert.deepEqual(await other.attach(plain, signal), { kind: 'unstarted' });
      await prepare(plain, other);
      assert.equal((await (await start(plain, {}, other)).exit).code, 42);
      const third = await subject.another().attach(plain, signal);
      assert.ok(third.kind === 'live');
      assert.equal((await third.execution.exit).code, 42);
    },
  );
};

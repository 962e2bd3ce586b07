import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { LogChunk } from '../runtime.ts';
import { type ContractTest, collect, follow, script, tarOf } from './case.contract.ts';

const fromTheBeginning = { stdout: 0, stderr: 0 } as const;
const megabyte = 1024 * 1024;

export const logContract = (test: ContractTest): void => {
  test('stdout and stderr are kept apart', [], async ({ drive, item }) => {
    const { stdout, stderr } = await drive(
      item(script('printf "to out"; printf "to err\\n" >&2', { FAKE_STDOUT: 'to out', FAKE_STDERR: 'to err\n' })),
    );
    assert.equal(stdout.toString(), 'to out');
    assert.equal(stderr.toString(), 'to err\n');
  });

  test('no output is no chunk', [], async ({ drive, item }) => {
    const { chunks } = await drive(item(script('exit 0')));
    assert.deepEqual(chunks, []);
  });

  test('any bytes come out as they were written', ['a shell'], async ({ drive, item, runtime, run, signal }) => {
    const bytes = randomBytes(300_000);
    const volume = 'bytes';
    const body = Buffer.from(bytes).toString('base64');
    await runtime.write({ run, volume }, tarOf({ name: 'random.base64', content: body }), signal);
    const mounts = [{ kind: 'volume', volume, path: '/bytes', access: 'read-only' }] as const;
    const { stdout, stderr } = await drive(
      item({ ...script('base64 -d /bytes/random.base64; base64 -d /bytes/random.base64 >&2'), mounts }),
    );
    assert.ok(stdout.equals(bytes), 'stdout');
    assert.ok(stderr.equals(bytes), 'stderr');
  });

  test('lines of two streams come in their order when they are written apart in time', ['a shell'], async ({ drive, item }) => {
    const { chunks } = await drive(
      item(script('i=0; while [ $i -lt 6 ]; do echo $i; sleep 0.2; echo $i >&2; sleep 0.2; i=$((i+1)); done')),
    );
    const lines = chunks.flatMap(({ stream, bytes }) =>
      Buffer.from(bytes)
        .toString()
        .trim()
        .split('\n')
        .map((line) => `${stream} ${line}`),
    );
    assert.deepEqual(lines, Array.from({ length: 6 }, (_, i) => [`stdout ${i}`, `stderr ${i}`]).flat());
  });

  test('a line without an end is there before the command ends', ['a shell'], async ({ item, prepare, start, signal }) => {
    const asking = item(script('printf "50 %%"; sleep 600'));
    await prepare(asking);
    const execution = await start(asking);
    const output = follow(execution, signal);
    await output.until('50 %');
    await execution.stop(0);
    assert.equal((await output.ended).text, '50 %');
  });

  test('one line of 100 MB comes whole', ['a shell', 'a steady load'], async ({ item, prepare, start, signal }) => {
    const long = item(script(`head -c ${100 * megabyte} /dev/zero | tr '\\0' x`));
    await prepare(long);
    const execution = await start(long);
    let bytes = 0;
    for await (const chunk of execution.logs(fromTheBeginning, signal)) {
      assert.ok(Buffer.from(chunk.bytes).every((byte) => byte === 0x78));
      bytes += chunk.bytes.length;
    }
    assert.equal(bytes, 100 * megabyte);
    assert.equal((await execution.exit).code, 0);
  });

  test(
    '200 MB for a slow reader: nothing is lost and little is held',
    ['a shell', 'a steady load'],
    async ({ item, prepare, start, drive, signal }) => {
      const line = `${'0123456789abcdef'.repeat(5)}\n`;
      const total = 200 * megabyte;
      const big = item(script(`yes ${line.trim()} | head -c ${total}`));
      await prepare(big);
      const execution = await start(big);
      const hash = createHash('sha256');
      const before = process.memoryUsage.rss();
      let bytes = 0;
      let most = 0;
      let pauses = 0;
      for await (const chunk of execution.logs(fromTheBeginning, signal)) {
        hash.update(chunk.bytes);
        bytes += chunk.bytes.length;
        if (bytes > (pauses + 1) * 50 * megabyte) {
          pauses += 1;
          await drive(item(script('sleep 0.3')));
        }
        most = Math.max(most, process.memoryUsage.rss() - before);
      }
      assert.equal(bytes, total);
      assert.equal(
        hash.digest('hex'),
        createHash('sha256')
          .update(line.repeat(Math.ceil(total / line.length)).slice(0, total))
          .digest('hex'),
      );
      assert.ok(most < 150 * megabyte, `held ${Math.round(most / megabyte)} MB`);
      assert.equal((await execution.exit).code, 0);
    },
    { timeoutMs: 180_000 },
  );

  test(
    '50 MB of a live log on both streams, for a slow reader: every byte, and the command waits for it',
    ['a shell', 'a steady load'],
    async ({ item, prepare, start, runtime, run, signal }) => {
      const bytes = randomBytes(megabyte);
      const volume = 'bytes';
      await runtime.write({ run, volume }, tarOf({ name: 'random.base64', content: bytes.toString('base64') }), signal);
      const mounts = [{ kind: 'volume', volume, path: '/bytes', access: 'read-only' }] as const;
      const both = script(
        `base64 -d /bytes/random.base64 > /tmp/bytes
         write() { i=0; while [ $i -lt 25 ]; do cat /tmp/bytes; i=$((i+1)); done; }
         write & write >&2; wait`,
      );
      const big = item({ ...both, mounts, log: 'live' });
      await prepare(big);
      const execution = await start(big);
      let ended = false;
      void execution.exit.then(() => {
        ended = true;
      });
      const hashes = { stdout: createHash('sha256'), stderr: createHash('sha256') };
      let read = 0;
      let pauses = 0;
      for await (const chunk of execution.logs(fromTheBeginning, signal)) {
        hashes[chunk.stream].update(chunk.bytes);
        read += chunk.bytes.length;
        if (read <= (pauses + 1) * 10 * megabyte) continue;
        pauses += 1;
        await runtime.write({ run, volume: 'pause' }, tarOf({ name: 'pause', content: String(pauses) }), signal);
        assert.ok(!ended || read > 40 * megabyte, `the command ended when ${read} bytes were read`);
      }
      const whole = createHash('sha256');
      for (let i = 0; i < 25; i++) whole.update(bytes);
      const digest = whole.digest('hex');
      assert.deepEqual([hashes.stdout.digest('hex'), hashes.stderr.digest('hex')], [digest, digest]);
      assert.equal((await execution.exit).code, 0);
    },
    { timeoutMs: 120_000 },
  );

  test('output is kept from the first byte on, also when nobody has read before the exit', [], async ({ item, prepare, start, signal }) => {
    const unread = item(script('echo first; echo second >&2', { FAKE_STDOUT: 'first\n', FAKE_STDERR: 'second\n' }));
    await prepare(unread);
    const execution = await start(unread);
    assert.equal((await execution.exit).code, 0);
    const { stdout, stderr } = await collect(execution.logs(fromTheBeginning, signal));
    assert.deepEqual([stdout.toString(), stderr.toString()], ['first\n', 'second\n']);
  });

  test('a command whose 20 MB nobody reads ends nevertheless', ['a shell'], async ({ item, prepare, start, signal }) => {
    const unread = item(script(`yes ${'0123456789'.repeat(20)} | head -c ${20 * megabyte}`));
    await prepare(unread);
    const execution = await start(unread);
    assert.equal((await execution.exit).code, 0);
    const { stdout } = await collect(execution.logs(fromTheBeginning, signal));
    assert.equal(stdout.length, 20 * megabyte);
  });

  test('logs begin after the given bytes of each stream', [], async ({ item, prepare, start, signal }) => {
    const two = item(script('printf 0123456789; printf abcdefghij >&2', { FAKE_STDOUT: '0123456789', FAKE_STDERR: 'abcdefghij' }));
    await prepare(two);
    const execution = await start(two);
    const { stdout, stderr } = await collect(execution.logs({ stdout: 4, stderr: 10 }, signal));
    assert.deepEqual([stdout.toString(), stderr.toString()], ['456789', '']);
  });

  test('another process reads on from any byte, while the command runs and after it', ['a shell'], async (given) => {
    const { item, prepare, start, signal, subject } = given;
    const written = `line ${'x'.repeat(100)}\n`.repeat(2000);
    const errors = `err ${'y'.repeat(40_000)}\nerr\n\n`.repeat(3);
    const talking = item(
      script(
        `x=$(head -c 100 /dev/zero | tr '\\0' x); y=$(head -c 40000 /dev/zero | tr '\\0' y); i=0
         while [ $i -lt 2000 ]; do echo "line $x"; i=$((i+1)); done
         for i in 1 2 3; do printf 'err %s\\nerr\\n\\n' $y >&2; done
         while [ ! -e /go/go ]; do sleep 0.02; done; echo last; printf end >&2`,
      ),
    );
    const mounts = [{ kind: 'volume', volume: 'go', path: '/go', access: 'read-write' }] as const;
    const running = { ...talking, stage: { ...talking.stage, mounts } };
    await prepare(running);
    const first = await start(running);
    const whole = follow(first, signal);
    await whole.until(written.slice(-200));
    const other = await subject.another().attach(running, signal);
    assert.equal(other.kind, 'live');
    const reading = other.kind === 'live' ? collect(other.execution.logs({ stdout: 1234, stderr: 17_000 }, signal)) : undefined;
    await given.runtime.write({ run: given.run, volume: 'go' }, tarOf({ name: 'go', content: '' }), signal);
    const expected = { stdout: `${written}last\n`, stderr: `${errors}end` };
    const all = await whole.ended;
    assert.equal(all.stdout.toString(), expected.stdout);
    assert.equal(all.stderr.toString(), expected.stderr);
    const rest = await reading;
    assert.equal(rest?.stdout.toString(), expected.stdout.slice(1234));
    assert.equal(rest?.stderr.toString(), expected.stderr.slice(17_000));
    const late = await subject.another().attach(running, signal);
    assert.ok(late.kind === 'live');
    const again = await collect(late.execution.logs({ stdout: expected.stdout.length - 5, stderr: 0 }, signal));
    assert.equal(again.stdout.toString(), 'last\n');
    assert.equal(again.stderr.toString(), expected.stderr);
    assert.equal((await late.execution.exit).code, 0);
  });

  test('a reader may stop early, and the command goes on', ['a shell'], async ({ item, prepare, start, signal, subject }) => {
    const long = item(script('i=0; while [ $i -lt 3000 ]; do echo "line $i of many that are written"; i=$((i+1)); done; exit 6'));
    await prepare(long);
    const execution = await start(long);
    let first: LogChunk | undefined;
    for await (const chunk of execution.logs(fromTheBeginning, signal)) {
      first = chunk;
      break;
    }
    assert.ok(first);
    assert.equal((await execution.exit).code, 6);
    const other = await subject.another().attach(long, signal);
    assert.ok(other.kind === 'live');
    const { text } = await collect(other.execution.logs(fromTheBeginning, signal));
    assert.equal(text.split('\n').length, 3001);
  });

  test('an aborted reader gets the reason of the signal', ['a shell'], async ({ item, prepare, start, signal }) => {
    const silent = item(script('sleep 600'));
    await prepare(silent);
    const execution = await start(silent);
    const reading = new AbortController();
    const reason = new Error('enough');
    const collecting = collect(execution.logs(fromTheBeginning, AbortSignal.any([signal, reading.signal])));
    reading.abort(reason);
    await assert.rejects(collecting, reason);
    await execution.stop(0);
    assert.equal((await execution.exit).code, 137);
  });
};

import assert from 'node:assert/strict';
import { argv, type ContractTest, follow, inputs, script, throwsCode, valuesOf } from './case.contract.ts';

export const exitContract = (test: ContractTest): void => {
  for (const code of [0, 3, 255]) {
    test(`exit code ${code} is told as it is`, [], async ({ drive, item }) => {
      const { exit } = await drive(item(script(`exit ${code}`, { FAKE_EXIT: String(code) })));
      assert.deepEqual(exit, { code, oom: false });
    });
  }

  test('an item goes through JSON and means the same (R-CIO-02)', [], async ({ drive, item }) => {
    const { files, given } = inputs({ '/in/small.txt': 'small value' });
    const whole = item({
      name: 'whole stage',
      ...script('echo "$NAME in $PWD"; cat /in/small.txt', {
        NAME: 'value',
        FAKE_STDOUT: 'value in /work\n',
        FAKE_PRINT_FILE: '/in/small.txt',
      }),
      files,
      workdir: '/work',
      mounts: [{ kind: 'volume', volume: 'v', path: '/v', access: 'read-write' }],
      limits: { cpus: 1, memoryBytes: 67_108_864, pids: 50 },
      timeouts: { totalMs: 60_000 },
    });
    const { exit, text } = await drive(whole, given);
    assert.equal(exit.code, 0);
    assert.equal(text, 'value in /work\nsmall value');
  });

  test('a command that is not there exits with 127 and a line on stderr', ['a shell'], async ({ drive, item }) => {
    const inScript = await drive(item(script('no-such-command')));
    assert.equal(inScript.exit.code, 127);
    assert.match(inScript.stderr.toString(), /no-such-command.*not found/);
    const asArgument = await drive(item(argv('no-such-command', 'x')));
    assert.equal(asArgument.exit.code, 127);
    assert.match(asArgument.stderr.toString(), /no-such-command.*not found/);
  });

  test('a command that may not be executed exits with 126', ['a shell'], async ({ drive, item }) => {
    const { exit, stderr } = await drive(item(argv('/etc/hostname')));
    assert.equal(exit.code, 126);
    assert.match(stderr.toString(), /hostname/);
  });

  test('an image without a shell runs as it is', ['an image without a shell'], async ({ drive, item, subject }) => {
    const given = { image: { kind: 'reference', reference: subject.imageWithoutShell ?? '' }, command: { kind: 'image' } } as const;
    assert.deepEqual((await drive(item(given))).exit, { code: 42, oom: false });
    assert.deepEqual((await drive(item(given))).exit, { code: 42, oom: false });
  });

  test('a command that no image without a shell has exits with 127', ['an image without a shell'], async ({ drive, item, subject }) => {
    const { exit, stderr } = await drive(
      item({ image: { kind: 'reference', reference: subject.imageWithoutShell ?? '' }, command: { kind: 'shell', script: 'exit 0' } }),
    );
    assert.equal(exit.code, 127);
    assert.match(stderr.toString(), /sh.*not found/);
  });

  test('the command is the first process and reads nothing', ['a shell'], async ({ drive, item }) => {
    const { text } = await drive(item(script('echo $$; cat; readlink /proc/self/fd/0')));
    assert.equal(text, '1\n/dev/null\n');
  });

  test(
    'the arguments go after the ENTRYPOINT, a shell script in its place',
    ['an image without a shell'],
    async ({ drive, item, subject }) => {
      const { exit } = await drive(
        item({ image: { kind: 'reference', reference: subject.imageWithoutShell ?? '' }, ...argv('are', 'not', 'read') }),
      );
      assert.equal(exit.code, 42);
    },
  );

  test('arguments reach the command byte for byte', ['a shell'], async ({ drive, item }) => {
    const words = ['', ' two  words ', "it's", '"$HOME" `x` \\', 'a\nb\n', '*', '-n', 'ü 漢'];
    const { text } = await drive(item(argv('printf', '<%s>\\n', ...words)));
    assert.equal(text, words.map((word) => `<${word}>\n`).join(''));
  });

  test('workdir and user are obeyed, and are the image’s own where the stage says nothing', ['a shell'], async ({ drive, item }) => {
    const own = await drive(item(script('pwd; id -u; id -g')));
    assert.equal(own.text, '/\n0\n0\n');
    const given = await drive(item({ ...script('pwd; id -u; id -g'), workdir: '/made/for it', user: '1234:5678' }));
    assert.equal(given.text, '/made/for it\n1234\n5678\n');
  });

  test('more memory than the limit is told as oom', ['a shell', 'limits'], async ({ drive, item }) => {
    const eat = 'x=$(head -c 300000000 /dev/zero | tr "\\0" x)';
    const limits = { memoryBytes: 64_000_000 };
    const itself = await drive(item({ ...script(eat), limits }));
    assert.deepEqual(itself.exit, { code: 137, oom: true });
    const child = await drive(item({ ...script(`sh -c '${eat}; true' || echo survived; exit 0`), limits }));
    assert.deepEqual([child.text, child.exit], ['survived\n', { code: 0, oom: true }], child.stderr.toString());
  });

  test('running out of memory is told apart from exit 137', [], async ({ drive, item, subject }) => {
    if (subject.runtime.name.startsWith('fake')) {
      assert.deepEqual((await drive(item(script('', { FAKE_OOM: '1' })))).exit, { code: 137, oom: true });
    }
    assert.deepEqual((await drive(item(script('exit 137', { FAKE_EXIT: '137' })))).exit, { code: 137, oom: false });
  });

  test('the limit of processes holds', ['a shell', 'limits'], async ({ drive, item }) => {
    const { exit, stderr } = await drive(
      item({ ...script('i=0; while [ $i -lt 40 ]; do sleep 20 & i=$((i+1)); done; exit 9'), limits: { pids: 20 } }),
    );
    assert.notEqual(exit.code, 9);
    assert.match(stderr.toString(), /fork/);
  });

  test('stop lets the command end in its own way', ['a shell'], async ({ item, prepare, start, signal }) => {
    const polite = item(script(`trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.05; done`));
    await prepare(polite);
    const execution = await start(polite);
    const output = follow(execution, signal);
    await output.until('ready');
    await execution.stop(30_000);
    await output.until('bye');
    assert.deepEqual(await execution.exit, { code: 5, oom: false });
  });

  test('stop kills after the grace, or at once when called again with none', [], async ({ item, prepare, start }) => {
    const stubborn = script(`trap '' TERM; while :; do sleep 0.05; done`, { FAKE_SLEEP_MS: '3600000', FAKE_IGNORE_STOP: '1' });
    const first = item(stubborn);
    await prepare(first);
    const impatient = await start(first);
    await impatient.stop(300);
    assert.deepEqual(await impatient.exit, { code: 137, oom: false });
    const second = item(stubborn);
    await prepare(second);
    const patient = await start(second);
    const stopping = patient.stop(3_600_000);
    await patient.stop(0);
    assert.deepEqual(await patient.exit, { code: 137, oom: false });
    await stopping;
  });

  test('stop of what has ended is nothing', [], async ({ item, prepare, start }) => {
    const brief = item(script('exit 4', { FAKE_EXIT: '4' }));
    await prepare(brief);
    const execution = await start(brief);
    assert.equal((await execution.exit).code, 4);
    await execution.stop(1000);
    assert.equal((await execution.exit).code, 4);
  });

  test('start lets the command go once, however often it is called', [], async ({ item, prepare, start, drive }) => {
    const mounts = [{ kind: 'volume', volume: 'count', path: '/count', access: 'read-write' }] as const;
    const once = item({ ...script('echo run >> /count/runs', { FAKE_WRITE: '{"/count/runs":"run\\n"}' }), mounts });
    await prepare(once);
    const [a, b] = [await start(once), await start(once)];
    assert.deepEqual([(await a.exit).code, (await b.exit).code], [0, 0]);
    await prepare(once);
    const again = await start(once);
    assert.equal((await again.exit).code, 0);
    const { text } = await drive(item({ ...script('cat /count/runs', { FAKE_PRINT_FILE: '/count/runs' }), mounts }));
    assert.equal(text, 'run\n');
  });

  test('an aborted call rejects with the reason of the signal', [], async ({ item, runtime, prepare }) => {
    const reason = new Error('enough');
    const aborted = AbortSignal.abort(reason);
    const one = item(script('exit 0'));
    await assert.rejects(
      runtime.prepare(one, () => {}, aborted),
      reason,
    );
    await prepare(one);
    await assert.rejects(runtime.start(one, valuesOf(one), aborted), reason);
    await assert.rejects(runtime.attach(one, aborted), reason);
  });

  test('what is not there yet says so', ['images'], async ({ item, prepare }) => {
    await throwsCode(prepare(item({ image: { kind: 'stage', stage: 'earlier' } })), 'UNSUPPORTED', /earlier/);
  });
};

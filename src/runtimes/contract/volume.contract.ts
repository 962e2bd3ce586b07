import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Access, Stage } from '../../plan/plan.ts';
import { type ContractTest, readWhole, script, tarOf, untar } from './case.contract.ts';

const mounted = (access: Access, volume = 'tree', path = '/tree'): Pick<Stage, 'mounts'> => ({
  mounts: [{ kind: 'volume', volume, path, access }],
});

export const volumeContract = (test: ContractTest): void => {
  test('a file written by one stage is seen by the next (R-CIO-38)', [], async ({ drive, item }) => {
    await drive(
      item({ ...script('echo built > /tree/artifact', { FAKE_WRITE: '{"/tree/artifact":"built\\n"}' }), ...mounted('read-write') }),
    );
    const { text } = await drive(
      item({
        ...script('cat /elsewhere/artifact', { FAKE_PRINT_FILE: '/elsewhere/artifact' }),
        ...mounted('read-only', 'tree', '/elsewhere'),
      }),
    );
    assert.equal(text, 'built\n');
  });

  test('what is written in goes to the stage, and what the stage wrote is read out', [], async ({ drive, item, runtime, run, signal }) => {
    const ref = { run, volume: 'tree' };
    await runtime.write(ref, tarOf({ name: 'in.txt', content: 'in\n' }, { name: 'folder/deep.txt', content: 'deep\n' }), signal);
    const { text } = await drive(
      item({
        ...script('cat /tree/folder/deep.txt; echo out > /tree/out.txt', {
          FAKE_PRINT_FILE: '/tree/folder/deep.txt',
          FAKE_WRITE: '{"/tree/out.txt":"out\\n"}',
        }),
        ...mounted('read-write'),
      }),
    );
    assert.equal(text, 'deep\n');
    const files = await untar(await readWhole(runtime, ref, signal));
    assert.deepEqual([...files.keys()].sort(), ['folder', 'folder/deep.txt', 'in.txt', 'out.txt']);
    assert.equal(files.get('out.txt')?.content, 'out\n');
  });

  test('an empty volume reads as an empty tar', [], async ({ runtime, run, signal }) => {
    await runtime.write({ run, volume: 'nothing' }, tarOf(), signal);
    assert.equal((await untar(await readWhole(runtime, { run, volume: 'nothing' }, signal))).size, 0);
  });

  test('paths, links, modes and empty folders survive write and read', [], async ({ runtime, run, signal }) => {
    const ref = { run, volume: 'odd names' };
    const long = `${'long-folder-name/'.repeat(12)}file`;
    await runtime.write(
      ref,
      tarOf(
        { name: 'with space/ü 漢字.txt', content: 'a', mode: 0o640 },
        { name: 'run.sh', content: '#!/bin/sh\n', mode: 0o755 },
        { name: 'link', type: 'symlink', linkname: 'with space/ü 漢字.txt' },
        { name: 'dangling', type: 'symlink', linkname: '/no/such/thing' },
        { name: 'empty folder', type: 'directory', mode: 0o750 },
        { name: '-rf', content: 'dash' },
        { name: 'tab\tand\nnewline', content: 'odd' },
        { name: long, content: 'deep' },
      ),
      signal,
    );
    const files = await untar(await readWhole(runtime, ref, signal));
    const of = (name: string) => {
      const file = files.get(name);
      assert.ok(file, `${name} is among ${[...files.keys()].join(', ')}`);
      return file;
    };
    assert.equal(of('with space/ü 漢字.txt').content, 'a');
    assert.equal((of('with space/ü 漢字.txt').mode ?? 0) & 0o777, 0o640);
    assert.equal((of('run.sh').mode ?? 0) & 0o777, 0o755);
    assert.deepEqual([of('link').type, of('link').linkname], ['symlink', 'with space/ü 漢字.txt']);
    assert.deepEqual([of('dangling').type, of('dangling').linkname], ['symlink', '/no/such/thing']);
    assert.deepEqual([of('empty folder').type, (of('empty folder').mode ?? 0) & 0o777], ['directory', 0o750]);
    assert.equal(of('-rf').content, 'dash');
    assert.equal(of('tab\tand\nnewline').content, 'odd');
    assert.equal(of(long).content, 'deep');
  });

  test('write replaces files of the same name and leaves the others', [], async ({ runtime, run, signal }) => {
    const ref = { run, volume: 'tree' };
    await runtime.write(ref, tarOf({ name: 'a', content: 'old' }, { name: 'b', content: 'kept' }), signal);
    await runtime.write(ref, tarOf({ name: 'a', content: 'new' }), signal);
    const files = await untar(await readWhole(runtime, ref, signal));
    assert.deepEqual([files.get('a')?.content, files.get('b')?.content], ['new', 'kept']);
  });

  test('the volumes of two runs are two', [], async ({ runtime, run, signal }) => {
    await runtime.write({ run, volume: 'tree' }, tarOf({ name: 'mine', content: '' }), signal);
    const other = `${run.slice(0, -1)}${run.endsWith('0') ? '1' : '0'}`;
    try {
      assert.equal((await untar(await readWhole(runtime, { run: other, volume: 'tree' }, signal))).size, 0);
    } finally {
      await runtime.sweep({ kind: 'run', run: other }, signal);
    }
  });

  test('read-only is read-only', ['a shell'], async ({ drive, item }) => {
    const { exit, stderr } = await drive(item({ ...script('echo x > /tree/x'), ...mounted('read-only') }));
    assert.notEqual(exit.code, 0);
    assert.match(stderr.toString(), /[Rr]ead-only/);
  });

  test('a copy holds what the volume holds at the start, and nobody sees what is written to it', [], async (given) => {
    const { drive, item, runtime, run, prepare, start, signal } = given;
    const ref = { run, volume: 'tree' };
    await runtime.write(ref, tarOf({ name: 'early', content: 'early\n' }), signal);
    const copying = item({
      ...script('cat /tree/early /tree/late; echo own > /tree/own; echo changed > /tree/early', {
        FAKE_PRINT_FILE: '/tree/late',
        FAKE_WRITE: '{"/tree/own":"own\\n","/tree/early":"changed\\n"}',
      }),
      ...mounted('copy'),
    });
    await prepare(copying);
    await runtime.write(ref, tarOf({ name: 'late', content: 'late\n' }), signal);
    assert.equal((await (await start(copying)).exit).code, 0);
    const files = await untar(await readWhole(runtime, ref, signal));
    assert.deepEqual([...files.keys()].sort(), ['early', 'late']);
    assert.equal(files.get('early')?.content, 'early\n');
    const again = await drive(item({ ...script('cat /tree/early', { FAKE_PRINT_FILE: '/tree/early' }), ...mounted('copy') }));
    assert.equal(again.text, 'early\n');
  });

  test('whoever fills a volume decides who may write to it', ['a shell'], async ({ drive, item, runtime, run, signal }) => {
    await runtime.write({ run, volume: 'open' }, tarOf({ name: './', type: 'directory', mode: 0o777 }), signal);
    const open = await drive(item({ ...script('echo x > /tree/x && id -u'), ...mounted('read-write', 'open'), user: '1000' }));
    assert.equal(open.text, '1000\n');
    await runtime.write({ run, volume: 'closed' }, tarOf({ name: './', type: 'directory', mode: 0o755 }), signal);
    const closed = await drive(item({ ...script('echo x > /tree/x'), ...mounted('read-write', 'closed'), user: '1000' }));
    assert.notEqual(closed.exit.code, 0);
  });

  test('what the image has at the place of a volume does not get into it', ['a shell'], async ({ drive, item, runtime, run, signal }) => {
    const { text } = await drive(item({ ...script('ls -A /etc/'), ...mounted('read-write', 'tree', '/etc') }));
    assert.doesNotMatch(text, /passwd/);
    const files = await untar(await readWhole(runtime, { run, volume: 'tree' }, signal));
    assert.equal(files.has('passwd'), false);
  });

  test('a cache outlives the run', ['a shell'], async ({ drive, item, runtime, run, signal }) => {
    const key = `contract-${randomBytes(6).toString('hex')}`;
    const cached = { mounts: [{ kind: 'cache', key, path: '/cache', access: 'read-write' }] } as const;
    assert.equal((await drive(item({ ...script('echo warm > /cache/state'), ...cached }))).exit.code, 0);
    await runtime.sweep({ kind: 'run', run }, signal);
    assert.equal((await drive(item({ ...script('cat /cache/state'), ...cached }))).text, 'warm\n');
  });

  test('20 MB go in and come out the same, and a reader may stop early', [], async ({ runtime, run, signal }) => {
    const ref = { run, volume: 'big' };
    const content = 'x'.repeat(1_000_000);
    await runtime.write(ref, tarOf(...Array.from({ length: 20 }, (_, i) => ({ name: `file ${i}`, content }))), signal);
    const files = await untar(await readWhole(runtime, ref, signal));
    assert.equal(files.size, 20);
    assert.ok([...files.values()].every((file) => file.content === content));
    const stopped = await readWhole(runtime, ref, signal);
    for await (const chunk of stopped) {
      assert.ok(chunk.length > 0);
      break;
    }
    assert.ok(stopped.destroyed);
  });

  test('an aborted write and read give the reason of the signal', [], async ({ runtime, run }) => {
    const reason = new Error('enough');
    const aborted = AbortSignal.abort(reason);
    await assert.rejects(runtime.write({ run, volume: 'tree' }, tarOf({ name: 'a', content: 'a' }), aborted), reason);
    await assert.rejects(runtime.read({ run, volume: 'tree' }, aborted), reason);
  });
};

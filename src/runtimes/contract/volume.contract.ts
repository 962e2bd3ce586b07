import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Access, Stage } from '../../plan/plan.ts';
import { type ContractTest, readWhole, script, tarOf, throwsCode, untar } from './case.contract.ts';

const mounted = (access: Access, volume = 'tree', path = '/tree'): Pick<Stage, 'mounts'> => ({
  mounts: [{ kind: 'volume', volume, path, access }],
});

const directories = () =>
  tarOf(
    { name: 'beside', content: 'beside' },
    { name: 'a b/ü/deep/file', content: 'in\n' },
    { name: 'a b/ü/empty', type: 'directory' },
    { name: 'a b/ü/link', type: 'symlink', linkname: 'deep' },
    { name: 'absolute', type: 'symlink', linkname: '/etc' },
    { name: 'up', type: 'symlink', linkname: 'a b' },
  );

/** Each is missing, a file, a link, below a link, or outside. */
const noDirectories = ['missing', 'beside', 'beside/x', 'absolute', 'up', 'up/ü', 'a b/ü/link', '..', 'a b/../../..'];

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

  test('a fresh volume may be written to by any user, and so may a copy of one', ['a shell'], async ({ drive, item }) => {
    for (const access of ['read-write', 'copy'] as const) {
      const made = await drive(
        item({ ...script('echo x > /tree/x && stat -c %u /tree/x'), ...mounted(access, `fresh ${access}`), user: '1000' }),
      );
      assert.equal(made.text, '1000\n', access);
    }
  });

  test('one directory of a volume is read: paths begin in it, and what is no real directory is none', [], async (given) => {
    const { runtime, run, signal } = given;
    const ref = { run, volume: 'tree' };
    await runtime.write(ref, directories(), signal);
    const tar = await runtime.read({ ...ref, directory: 'a b/ü' }, signal);
    assert.ok(tar !== undefined);
    const files = await untar(tar);
    assert.deepEqual([...files.keys()].sort(), ['deep', 'deep/file', 'empty', 'link']);
    assert.equal(files.get('deep/file')?.content, 'in\n');
    assert.equal(files.get('link')?.linkname, 'deep');
    for (const directory of ['a b/ü/', './a b//ü']) assert.ok((await runtime.read({ ...ref, directory }, signal)) !== undefined, directory);
    for (const directory of noDirectories) assert.equal(await runtime.read({ ...ref, directory }, signal), undefined, directory);
  });

  test('one directory of a volume is mounted where the plan says, and nothing beside it (R-DCK-36)', [], async (given) => {
    const { drive, item, runtime, run, signal } = given;
    await runtime.write({ run, volume: 'tree' }, directories(), signal);
    const mount = { kind: 'volume', volume: 'tree', directory: 'a b/ü', path: '/at here' } as const;
    const own = { FAKE_PRINT_FILE: '/at here/deep/file', FAKE_WRITE: '{"/at here/made":"made"}' };
    const seen = await drive(item({ ...script('cat "/at here/deep/file"', own), mounts: [{ ...mount, access: 'read-only' }] }));
    assert.equal(seen.text, 'in\n');
    const beside = { FAKE_PRINT_FILE: '/at here/../beside' };
    assert.notEqual((await drive(item({ ...script('cat /*/beside', beside), mounts: [{ ...mount, access: 'read-only' }] }))).exit.code, 0);
    const writing = script('cat "/at here/deep/file"; echo made > "/at here/made"', own);
    for (const [access, made] of [
      ['copy', false],
      ['read-write', true],
    ] as const) {
      assert.equal((await drive(item({ ...writing, mounts: [{ ...mount, access }] }))).text, 'in\n', access);
      const tar = await runtime.read({ run, volume: 'tree', directory: mount.directory }, signal);
      assert.ok(tar !== undefined);
      assert.equal((await untar(tar)).has('made'), made, access);
    }
  });

  test('a link is never mounted in place of a directory', [], async ({ prepare, item, runtime, run, signal }) => {
    await runtime.write({ run, volume: 'tree' }, directories(), signal);
    for (const directory of noDirectories) {
      const mounts = [{ kind: 'volume', volume: 'tree', directory, path: '/at', access: 'read-only' }] as const;
      await throwsCode(prepare(item({ ...script('true'), mounts })), 'VOLUME_DIRECTORY_MISSING', /tree/);
    }
  });

  test('consumers side by side only read, whoever they are, and one directory too (R-DCK-30)', ['a shell'], async (given) => {
    const { drive, item, runtime, run, signal } = given;
    await runtime.write({ run, volume: 'tree' }, directories(), signal);
    const say =
      'cat /a/deep/file; for f in /a/new /a/deep/file; do (echo x > "$f") 2>/dev/null || echo refused; done; rm -rf /a/deep 2>/dev/null || echo refused';
    const mounts = [{ kind: 'volume', volume: 'tree', directory: 'a b/ü', path: '/a', access: 'read-only' }] as const;
    const both = await Promise.all(['0', '1000'].map((user) => drive(item({ ...script(say), mounts, user }))));
    for (const { text } of both) assert.equal(text, `in\n${'refused\n'.repeat(3)}`);
  });

  test('no two stages, attempts or runs share a path they write to unless the plan says so (R-DCK-58)', ['a shell'], async (given) => {
    const { drive, item } = given;
    const fresh = { ...script('ls -A /work; echo x > /work/mine; echo y > /mine; ls /mine'), ...mounted('read-write', 'one', '/work') };
    assert.equal((await drive(item(fresh))).text, '/mine\n');
    assert.equal((await drive(item({ ...fresh, ...mounted('read-write', 'two', '/work') }))).text, '/mine\n');
    const again = item({ ...script('ls /mine'), name: 'again' }, 2);
    assert.notEqual((await drive(again)).exit.code, 0);
  });

  test('what the image has at the place of a volume does not get into it', ['a shell'], async ({ drive, item, runtime, run, signal }) => {
    const { text } = await drive(item({ ...script('ls -A /etc/'), ...mounted('read-write', 'tree', '/etc') }));
    assert.doesNotMatch(text, /passwd/);
    const files = await untar(await readWhole(runtime, { run, volume: 'tree' }, signal));
    assert.equal(files.has('passwd'), false);
  });

  test(
    'a cache is its project’s, for any user, outlives the run and all but its own sweep',
    [],
    async ({ drive, item, runtime, run, signal }) => {
      const project = `contract-${randomBytes(6).toString('hex')}`;
      const key = 'a key/of any characters';
      const mounts = [{ kind: 'cache', key, path: '/cache', access: 'read-write' }] as const;
      const write = script('echo warm > /cache/state', { FAKE_WRITE: JSON.stringify({ '/cache/state': 'warm\n' }) });
      const writing = { ...item({ ...write, mounts, user: '1234:1234' }), project };
      assert.equal((await drive(writing)).exit.code, 0);
      await runtime.sweep({ kind: 'run', run }, signal);
      await runtime.sweep({ kind: 'all', exceptRuns: [] }, signal);
      await runtime.sweep({ kind: 'caches', project: 'another' }, signal);
      const reading = () => item({ ...script('cat /cache/state', { FAKE_PRINT_FILE: '/cache/state' }), mounts });
      assert.equal((await drive({ ...reading(), project })).text, 'warm\n');
      assert.notEqual((await drive(reading())).text, 'warm\n');
      await runtime.sweep({ kind: 'run', run }, signal);
      assert.equal((await runtime.sweep({ kind: 'caches', project }, signal)).volumes, 1);
      assert.notEqual((await drive({ ...reading(), project })).text, 'warm\n');
    },
  );

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

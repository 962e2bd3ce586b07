import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, mkdir, mkdtemp, open, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { extract, type Header } from 'tar-stream';
import { tarOf } from './tar-of.ts';

describe('tarOf', () => {
  let root: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'cion-tar-'));
  });
  after(() => rm(root, { recursive: true }));
  const fresh = () => mkdtemp(join(root, 'x '));

  it('packs a tree in a fixed order, for any user to read and write, with links and odd names', async () => {
    const directory = await fresh();
    const long = `${'long '.repeat(30)}/${'name'.repeat(40)}`;
    for (const name of ['b', 'a b', 'dir/größe 🚀', 'line\nbreak', long, '-rf', '.hidden']) {
      await mkdir(join(directory, name, '..'), { recursive: true });
      await writeFile(join(directory, name), name);
    }
    await mkdir(join(directory, 'empty'), { mode: 0o500 });
    await chmod(join(directory, 'b'), 0o700);
    await chmod(join(directory, 'a b'), 0o4400);
    await symlink('b', join(directory, 'link'));
    await symlink(`${'far/'.repeat(50)}away`, join(directory, 'long link'));
    const entries = await unpacked(await buffer(tarOf(directory)));
    assert.deepEqual(
      entries.map(({ header, content }) => [header.name, header.type, header.mode, header.linkname ?? content]),
      [
        ['./', 'directory', 0o777, ''],
        ['-rf', 'file', 0o666, '-rf'],
        ['.hidden', 'file', 0o666, '.hidden'],
        ['a b', 'file', 0o666, 'a b'],
        ['b', 'file', 0o777, 'b'],
        ['dir/', 'directory', 0o777, ''],
        ['dir/größe 🚀', 'file', 0o666, 'dir/größe 🚀'],
        ['empty/', 'directory', 0o777, ''],
        ['line\nbreak', 'file', 0o666, 'line\nbreak'],
        ['link', 'symlink', 0o777, 'b'],
        ['long link', 'symlink', 0o777, `${'far/'.repeat(50)}away`],
        [`${'long '.repeat(30)}/`, 'directory', 0o777, ''],
        [long, 'file', 0o666, long],
      ],
    );
    assert.ok(entries.every(({ header }) => header.uid === 0 && header.gid === 0));
    assert.deepEqual(await buffer(tarOf(directory)), await buffer(tarOf(directory)));
  });

  it('keeps names that are no text, as the system’s own tar reads them', async () => {
    const [directory, target] = [await fresh(), await fresh()];
    const odd = Buffer.from([0x66, 0xff, 0xfe, 0x20, 0xe4]);
    await writeFile(Buffer.concat([Buffer.from(`${directory}/`), odd]), 'odd');
    execFileSync('tar', ['-x', '-C', target], { input: await buffer(tarOf(directory)) });
    assert.equal((await stat(Buffer.concat([Buffer.from(`${target}/`), odd]))).size, 3);
  });

  it('leaves out sockets and pipes', async () => {
    const directory = await fresh();
    execFileSync('mkfifo', [join(directory, 'pipe')]);
    const server = createServer().listen(join(directory, 'socket'));
    await once(server, 'listening');
    const names = (await unpacked(await buffer(tarOf(directory)))).map(({ header }) => header.name);
    server.close();
    assert.deepEqual(names, ['./']);
  });

  it('stays a whole tar when a file grows, shrinks or goes while it is read', async () => {
    for (const change of [
      (path: string) => appendFile(path, 'more'),
      (path: string) => truncate(path, 1000),
      (path: string) => rm(path),
      async (path: string) => {
        await rm(path);
        await mkdir(path);
      },
    ]) {
      const directory = await fresh();
      await writeFile(join(directory, 'a'), Buffer.alloc(1_000_000, 'a'));
      await writeFile(join(directory, 'b'), Buffer.alloc(1_000_000, 'b'));
      await writeFile(join(directory, 'c'), 'last');
      const pieces: Buffer[] = [];
      for await (const piece of tarOf(directory)) {
        pieces.push(piece);
        if (pieces.length === 3) await Promise.all([change(join(directory, 'a')), change(join(directory, 'b'))]);
      }
      const entries = await unpacked(Buffer.concat(pieces));
      assert.equal(entries[1]?.content.length, 1_000_000);
      assert.deepEqual([entries.at(-1)?.header.name, entries.at(-1)?.content], ['c', 'last']);
    }
  });

  it('packs a file of more than 8 GB, in bounded memory', async () => {
    const directory = await fresh();
    const size = 9 * 1024 ** 3 + 5;
    const file = await open(join(directory, 'huge'), 'w');
    await file.truncate(size);
    await file.close();
    let bytes = 0;
    const rss = process.memoryUsage().rss;
    const head: Buffer[] = [];
    for await (const piece of tarOf(directory)) {
      if (head.length < 3) head.push(piece);
      bytes += piece.length;
      if (bytes > 300e6) break;
    }
    assert.ok(process.memoryUsage().rss - rss < 100e6);
    const listing = execFileSync('sh', ['-c', 'tar -tv 2>/dev/null || true'], { input: Buffer.concat(head) }).toString();
    assert.match(listing, new RegExp(` ${size} .* huge`));
  });

  it('fails when the directory is not there', async () => {
    await assert.rejects(buffer(tarOf(join(root, 'nowhere'))), { code: 'ENOENT' });
  });
});

const unpacked = async (tar: Buffer) => {
  const entries: { header: Header; content: string }[] = [];
  const reader = extract();
  reader.write(tar);
  reader.end(null);
  for await (const entry of reader) {
    entries.push({ header: entry.header, content: (await buffer(entry as AsyncIterable<Uint8Array>)).toString() });
  }
  return entries;
};

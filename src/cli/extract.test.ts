import { deepEqual, equal } from 'node:assert/strict';
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { extractZip } from './extract.ts';

const directory = (t: TestContext): string => {
  const path = mkdtempSync(join(tmpdir(), 'cion extract '));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

type TestEntry = { readonly name: string; readonly mode: number; readonly content: string };

/** A zip of stored entries, with names that a careful writer would refuse. */
const zipOf = (entries: readonly TestEntry[]): Readable => {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { name, mode, content } of entries) {
    const nameBytes = Buffer.from(name);
    const bytes = Buffer.from(content);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(1 << 11, 2);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(bytes.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(nameBytes.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, nameBytes, bytes]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(mode * 0x10000, 6);
    tail.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.from([20, 3]), common, tail, nameBytes]));
    locals.push(local);
    offset += local.length;
  }
  const list = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(offset, 16);
  return Readable.from([Buffer.concat([...locals, list, end])]);
};

test('files, directories, modes and links come out as they went in, also a second time over the first', async (t) => {
  const to = directory(t);
  const entries = [
    { name: 'empty/', mode: 0o040755, content: '' },
    { name: 'bin/a tool', mode: 0o100755, content: '#!/bin/sh\n' },
    { name: 'bin/link', mode: 0o120777, content: 'a tool' },
  ];
  deepEqual(await extractZip(zipOf(entries), to), { files: 2, skipped: [] });
  deepEqual(await extractZip(zipOf(entries), to), { files: 2, skipped: [] });
  equal(lstatSync(join(to, 'empty')).isDirectory(), true);
  equal(readFileSync(join(to, 'bin/a tool'), 'utf8'), '#!/bin/sh\n');
  equal(lstatSync(join(to, 'bin/a tool')).mode & 0o777, 0o755);
  equal(readlinkSync(join(to, 'bin/link')), 'a tool');
});

test('names that are odd but possible come out as they are', async (t) => {
  const to = directory(t);
  const names = ['C:\\x', 'back\\slash', 'new\nline', ' ', 'c:/d', 'caf\u00e9'];
  const entries = names.map((name) => ({ name, mode: 0o100644, content: name }));
  deepEqual(await extractZip(zipOf(entries), to), { files: names.length, skipped: [] });
  for (const name of names) equal(readFileSync(join(to, name), 'utf8'), name);
});

test('a name that leads out of the directory or cannot be is skipped with a reason, and the rest is extracted', async (t) => {
  const outer = directory(t);
  const to = join(outer, 'in');
  const names = ['../out', join(outer, 'absolute'), 'a\0b', 'x'.repeat(300), 'good'];
  const { files, skipped } = await extractZip(zipOf(names.map((name) => ({ name, mode: 0o100644, content: 'x' }))), to);
  equal(files, 1);
  deepEqual(
    skipped.map(({ path }) => path),
    names.slice(0, -1),
  );
  deepEqual([readdirSync(outer), readdirSync(to)], [['in'], ['good']]);
});

test('nothing is written through a link, neither one of the zip nor one that was there', async (t) => {
  const outer = directory(t);
  const to = join(outer, 'in');
  await extractZip(zipOf([{ name: 'door', mode: 0o120777, content: '..' }]), to);
  const { files, skipped } = await extractZip(zipOf([{ name: 'door/out', mode: 0o100644, content: 'x' }]), to);
  deepEqual([files, skipped.map(({ path }) => path)], [0, ['door/out']]);
  symlinkSync(join(outer, 'victim'), join(to, 'file'));
  await extractZip(zipOf([{ name: 'file', mode: 0o100644, content: 'x' }]), to);
  deepEqual([existsSync(join(outer, 'out')), existsSync(join(outer, 'victim'))], [false, false]);
});

import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { type Extract, extract, type Header } from 'tar-stream';
import { drained } from '../lib/drained.ts';
import type { ArtifactFile } from '../run/run-event.ts';
import { ResultsError } from './results-error.ts';

import { type ZipWriter, zipWriter } from './zip-writer.ts';

type Entry = Extract extends AsyncIterable<infer E> ? E : never;

const writeAtOnce = 256 * 1024;

/**
 * Reads a tar to its end and writes it as a zip, piece by piece. `undefined`, and nothing that counts written, when it has no entry but
 * its root. Hard links become symbolic links to the file's first name; devices and pipes are left out. A name that leads out of the
 * tree, or through one of its links, is refused with RESULTS_UNWRITABLE.
 */
export const zipFromTar = async (
  tar: Readable,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<{ readonly bytes: number; readonly files: readonly ArtifactFile[] } | undefined> => {
  const output = collected(write);
  const zip = zipWriter(output.put);
  const files: ArtifactFile[] = [];
  const links = new Set<string>();
  const entries = extract();
  const reading = feed(tar, entries);
  reading.catch((error: unknown) => entries.destroy(error instanceof Error ? error : new Error(String(error))));
  for await (const entry of entries) {
    const name = nameOf(entry.header, links);
    const file = name === undefined ? undefined : await keep(zip, name, entry);
    if (file === undefined) {
      entry.resume();
      continue;
    }
    if (file.target !== undefined) links.add(file.path);
    files.push(file);
  }
  await reading;
  if (files.length === 0) return undefined;
  const bytes = await zip.end();
  await output.flush();
  return { bytes, files };
};

const feed = async (tar: Readable, entries: Extract): Promise<void> => {
  for await (const chunk of tar) {
    if (entries.destroying) return;
    if (!entries.write(chunk)) await drained(entries);
  }
  entries.end(null);
};

const keep = async (zip: ZipWriter, name: string, entry: Entry): Promise<ArtifactFile | undefined> => {
  const { type, size, mtime: at, linkname } = entry.header;
  const mode = entry.header.mode & 0o7777;
  switch (type) {
    case 'file':
    case 'contiguous-file':
      return { path: name, bytes: size, mode, ...(await zip.file(name, { mode, at, bytes: size }, entry as AsyncIterable<Uint8Array>)) };
    case 'directory':
      await zip.directory(`${name}/`, { mode, at });
      return { path: `${name}/`, bytes: 0, mode };
    case 'symlink':
    case 'link': {
      const target = type === 'symlink' ? linkname : posix.relative(posix.join('/', name, '..'), posix.join('/', linkname));
      await zip.symlink(name, { mode: 0o777, at }, target);
      return { path: name, bytes: 0, mode: 0o777, target };
    }
    default:
      return undefined;
  }
};

/** Relative to the tree's root, without `./`; `undefined` for the root itself. */
const nameOf = ({ name }: Header, links: ReadonlySet<string>): string | undefined => {
  const parts = name.split('/').filter((part) => part !== '.' && part !== '');
  const above = parts.map((_part, i) => parts.slice(0, i).join('/'));
  const leadsOut = name.startsWith('/') || /^[a-z]:[\\/]/i.test(name) || name.split(/[\\/]/).includes('..');
  if (leadsOut || name.includes('\0') || above.some((directory) => links.has(directory))) {
    throw new ResultsError(
      'RESULTS_UNWRITABLE',
      `The artifacts have a file called ${JSON.stringify(name)}, which leads out of their directory.`,
    );
  }
  return parts.length === 0 ? undefined : parts.join('/');
};

/** Many small writes become few. */
const collected = (write: (bytes: Uint8Array) => Promise<void>) => {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  const flush = async (): Promise<void> => {
    const bytes = Buffer.concat(held);
    held = [];
    heldBytes = 0;
    await write(bytes);
  };
  return {
    flush,
    put: async (bytes: Uint8Array): Promise<void> => {
      held.push(bytes);
      heldBytes += bytes.length;
      if (heldBytes >= writeAtOnce) await flush();
    },
  };
};

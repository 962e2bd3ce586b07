import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Entry, open, type ZipFile } from 'yauzl';

export type ZipEntry = {
  /** As the zip has it, whatever that is: not yet a path to write to. A directory ends in `/`. */
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'symlink';
  /** Permission bits. */
  readonly mode: number;
  content(): Promise<Readable>;
};

/** The entries of a zip that comes as a stream, in its order. It is kept in a temporary file meanwhile. */
export async function* zipEntries(zip: Readable): AsyncGenerator<ZipEntry, void, undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'cion-zip-'));
  try {
    const file = join(directory, 'zip');
    await pipeline(zip, createWriteStream(file));
    const opened = await openZip(file);
    try {
      for await (const entry of rawEntries(opened)) yield entryOf(opened, entry);
    } finally {
      opened.close();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const openZip = (file: string): Promise<ZipFile> =>
  new Promise((resolve, reject) => {
    // Decoding would refuse names that are fine on this system, such as those with a backslash.
    open(file, { lazyEntries: true, autoClose: false, decodeStrings: false }, (error, zip) => (error ? reject(error) : resolve(zip)));
  });

async function* rawEntries(zip: ZipFile): AsyncGenerator<Entry, void, undefined> {
  for (;;) {
    const { promise, resolve, reject } = Promise.withResolvers<Entry | undefined>();
    const onEnd = (): void => resolve(undefined);
    zip.once('entry', resolve).once('end', onEnd).once('error', reject);
    zip.readEntry();
    const entry = await promise.finally(() => zip.off('entry', resolve).off('end', onEnd).off('error', reject));
    if (entry === undefined) return;
    yield entry;
  }
}

const symlinkType = 0o120000;
const typeMask = 0o170000;

const entryOf = (zip: ZipFile, entry: Entry): ZipEntry => {
  const unixMode = entry.externalFileAttributes >>> 16;
  const isSymlink = (unixMode & typeMask) === symlinkType;
  const path = Buffer.from(entry.fileName).toString();
  return {
    path,
    kind: isSymlink ? 'symlink' : path.endsWith('/') ? 'directory' : 'file',
    mode: unixMode & 0o777,
    content: () =>
      new Promise((resolve, reject) => {
        zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream)));
      }),
  };
};

import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { zipEntries } from './read-zip.ts';
import { tarEnd, tarHeader, tarPadding } from './tar-header.ts';

/** The files of a zip as a tar, each in memory while it is written. */
export const tarOfZip = (zip: Readable): Readable => Readable.from(pieces(zip), { objectMode: false });

const pieces = async function* (zip: Readable): AsyncGenerator<Buffer> {
  for await (const { path, kind, mode, content } of zipEntries(zip)) {
    const name = Buffer.from(path.replace(/\/$/, ''));
    const bytes = kind === 'directory' ? Buffer.alloc(0) : await buffer(await content());
    const entry = { name, kind, mode, at: 0 };
    if (kind === 'file') yield* [tarHeader({ ...entry, bytes: bytes.length }), bytes, tarPadding(bytes.length)];
    else yield tarHeader({ ...entry, bytes: 0, ...(kind === 'symlink' ? { target: bytes } : {}) });
  }
  yield tarEnd();
};

import type { Stats } from 'node:fs';
import { constants, type FileHandle, lstat, open, readlink } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { tarEnd, tarHeader, tarPadding } from '../lib/tar-header.ts';
import { type Walked, walk } from '../lib/walk.ts';

const readAtOnce = 256 * 1024;

/**
 * A tree as a tar stream, in a fixed order. Everything belongs to root and everybody may read and write it (`a+rwX`): images run as any
 * user, and the files are a copy for this run alone. Symbolic links are kept; sockets, pipes and devices are left out. A file that
 * grows or shrinks while it is read has the size that it had when it was opened.
 */
export const tarOf = (directory: string): Readable => Readable.from(tarPieces(directory), { objectMode: false });

const tarPieces = async function* (directory: string): AsyncGenerator<Buffer> {
  const top = await lstat(directory);
  yield tarHeader({ name: Buffer.from('.'), kind: 'directory', mode: 0o777, at: top.mtimeMs, bytes: 0 });
  for await (const entry of walk(directory)) yield* piecesOf(entry);
  yield tarEnd();
};

const piecesOf = async function* ({ name, path, kind }: Walked): AsyncGenerator<Buffer> {
  if (kind === 'file') {
    yield* filePieces(name, path);
    return;
  }
  const found = await ifThere(lstat(path));
  const target = kind === 'symlink' && found ? await ifThere(readlink(path, { encoding: 'buffer' })) : undefined;
  if (found === undefined || (kind === 'symlink' && target === undefined)) return;
  yield tarHeader({ name, kind, mode: 0o777, at: found.mtimeMs, bytes: 0, ...(target && { target }) });
};

const filePieces = async function* (name: Buffer, path: Buffer): AsyncGenerator<Buffer> {
  const file = await ifThere(open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK));
  if (file === undefined) return;
  try {
    const found = await file.stat();
    if (!found.isFile()) return;
    yield tarHeader({ name, kind: 'file', mode: openMode(found), at: found.mtimeMs, bytes: found.size });
    yield* exactly(file, found.size);
    yield tarPadding(found.size);
  } finally {
    await file.close();
  }
};

const exactly = async function* (file: FileHandle, bytes: number): AsyncGenerator<Buffer> {
  for (let done = 0; done < bytes; ) {
    const wanted = Math.min(readAtOnce, bytes - done);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(wanted), 0, wanted, done);
    const piece = bytesRead === 0 ? Buffer.alloc(wanted) : buffer.subarray(0, bytesRead);
    done += piece.length;
    yield piece;
  }
};

const openMode = ({ mode }: Stats): number => 0o666 | (mode & 0o111 ? 0o111 : 0);

const ifThere = async <T>(action: Promise<T>): Promise<T | undefined> => {
  try {
    return await action;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ELOOP')) return undefined;
    throw error;
  }
};

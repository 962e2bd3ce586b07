import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';

const slash = Buffer.from('/');

/** A place below a directory; names are bytes, because not every name on a disk is text. */
export type Walked = {
  /** Relative to where the walk began. */
  readonly name: Buffer;
  readonly path: Buffer;
  readonly kind: 'file' | 'directory' | 'symlink';
};

/**
 * Everything below a directory, in the order of the bytes of the names, a directory before what is in it. Sockets, pipes and devices are
 * left out, and so is what `skips`, and what vanishes meanwhile.
 */
export const walk = async function* (directory: string, skips: (name: string) => boolean = () => false): AsyncGenerator<Walked> {
  yield* below(Buffer.from(directory), Buffer.alloc(0), skips);
};

const below = async function* (directory: Buffer, prefix: Buffer, skips: (name: string) => boolean): AsyncGenerator<Walked> {
  const entries = await entriesOf(directory, prefix.length === 0);
  for (const entry of entries.sort((a, b) => Buffer.compare(a.name, b.name))) {
    const name = prefix.length === 0 ? entry.name : Buffer.concat([prefix, slash, entry.name]);
    const path = Buffer.concat([directory, slash, entry.name]);
    const kind = kindOf(entry);
    if (kind === undefined || skips(name.toString())) continue;
    yield { name, path, kind };
    if (kind === 'directory') yield* below(path, name, skips);
  }
};

const entriesOf = async (directory: Buffer, isFirst: boolean): Promise<Dirent<Buffer>[]> => {
  try {
    return await readdir(directory, { withFileTypes: true, encoding: 'buffer' });
  } catch (error) {
    if (!isFirst && error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return [];
    throw error;
  }
};

const kindOf = (entry: Dirent<Buffer>): Walked['kind'] | undefined => {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'directory';
  return entry.isSymbolicLink() ? 'symlink' : undefined;
};

import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Extract, extract, type Header, pack } from 'tar-stream';

/** A file tree in memory: what a tar said of each path. */
export type FakeVolume = {
  readonly entries: ReadonlyMap<string, FakeEntry>;
  put(path: string, content: Uint8Array, mode: number): void;
  makeDirectory(path: string): void;
  get(path: string): Uint8Array | undefined;
  unpack(tar: Readable, signal: AbortSignal): Promise<void>;
  packed(): Readable;
  copy(): FakeVolume;
  /** What is in one directory; `undefined` unless it and all above it are real directories. */
  within(directory: string): FakeVolume | undefined;
};

type FakeEntry = { readonly header: Partial<Header> & Pick<Header, 'name'>; readonly content: Uint8Array };

export const fakeVolume = (initial: ReadonlyMap<string, FakeEntry> = new Map()): FakeVolume => {
  const entries = new Map(initial);
  return {
    entries,
    put: (path, content, mode) => {
      const name = inside(path);
      addFolders(entries, name);
      entries.set(name, { header: { name, type: 'file', size: content.length, mode }, content });
    },
    makeDirectory: (path) => addFolders(entries, posix.join(inside(path), '_')),
    get: (path) => entries.get(inside(path))?.content,
    unpack: async (tar, signal) => {
      const unpacking = extract();
      const taken = take(unpacking, entries);
      taken.catch(() => {});
      await pipeline(tar, unpacking, { signal }).catch((error: unknown) => {
        throw signal.aborted ? signal.reason : error;
      });
      await taken;
    },
    packed: () => Readable.from(tarOf([...entries.values()]), { objectMode: false }),
    copy: () => fakeVolume(entries),
    within: (directory) => {
      if (directory.split('/').includes('..')) return undefined;
      const name = inside(directory);
      if (name === '') return fakeVolume(entries);
      const steps = name.split('/').map((_, depth, all) => all.slice(0, depth + 1).join('/'));
      if (steps.some((step) => entries.get(step)?.header.type !== 'directory')) return undefined;
      return fakeVolume(
        new Map(
          [...entries].flatMap(([path, { header, content }]) => {
            const below = path.slice(name.length + 1);
            return path.startsWith(`${name}/`) ? [[below, { header: { ...header, name: below, pax: null }, content }] as const] : [];
          }),
        ),
      );
    },
  };
};

const take = async (tar: Extract, entries: Map<string, FakeEntry>): Promise<void> => {
  for await (const entry of tar) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) chunks.push(chunk as Uint8Array);
    const name = inside(entry.header.name);
    if (name === '') continue;
    addFolders(entries, name);
    entries.set(name, { header: { ...entry.header, name }, content: Buffer.concat(chunks) });
  }
};

const inside = (path: string): string => posix.join('/', path).replace(/\/+$/, '').slice(1);

const addFolders = (entries: Map<string, FakeEntry>, path: string): void => {
  const parts = path.split('/').slice(0, -1);
  for (let depth = 1; depth <= parts.length; depth++) {
    const name = parts.slice(0, depth).join('/');
    if (!entries.has(name)) entries.set(name, { header: { name, type: 'directory', mode: 0o755 }, content: new Uint8Array() });
  }
};

async function* tarOf(entries: readonly FakeEntry[]): AsyncGenerator<Uint8Array> {
  const packing = pack();
  for (const { header: named, content } of entries) {
    // The same files are the same bytes, whenever they are read.
    const header = { mtime: new Date(0), ...named };
    if (header.type === 'file') packing.entry(header, Buffer.from(content));
    else packing.entry(header);
  }
  packing.finalize();
  for await (const chunk of packing) yield chunk as Uint8Array;
}

import { posix } from 'node:path';

export type StepEntry =
  | { readonly kind: 'file'; readonly bytes: Uint8Array; readonly executable: boolean }
  | { readonly kind: 'directory' }
  | { readonly kind: 'symlink'; readonly target: string };

/** The files of a step by their path, relative to its root, with `/`; all directories on the way are there. */
export type StepFiles = ReadonlyMap<string, StepEntry>;

/** Why files are not those of a step: a sentence without its subject, as in `the archive has a path that leads out of it: ../x`. */
export class UnsafeStep extends Error {}

export const mostEntries = 20_000;
export const mostUnpackedBytes = 256 * 1024 * 1024;

/** Takes entries one after the other and refuses whatever would lie, or point, outside of the step. */
export const stepEntries = () => {
  const entries = new Map<string, StepEntry>();
  let bytes = 0;

  const safe = (path: string): string => {
    if (path.startsWith('/')) throw new UnsafeStep(`has an absolute path: ${path}`);
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.includes('..')) throw new UnsafeStep(`has a path that leads out of it: ${path}`);
    if (path.includes('\0')) throw new UnsafeStep('has a name with a NUL byte');
    return parts.join('/');
  };

  const makeWay = (path: string): void => {
    const parent = posix.dirname(path);
    if (parent === '.') return;
    const there = entries.get(parent);
    if (there?.kind === 'directory') return;
    if (there !== undefined) throw new UnsafeStep(`has something below ${parent}, which is no directory`);
    makeWay(parent);
    entries.set(parent, { kind: 'directory' });
  };

  const add = (rawPath: string, entry: StepEntry): void => {
    const path = safe(rawPath);
    if (path === '') return;
    makeWay(path);
    const there = entries.get(path);
    if (there?.kind === 'directory' && entry.kind !== 'directory') throw new UnsafeStep(`has ${path} twice, once as a directory`);
    if (there !== undefined && there.kind !== 'directory' && entry.kind === 'directory') {
      throw new UnsafeStep(`has ${path} twice, once as a directory`);
    }
    if (entry.kind === 'file') bytes += entry.bytes.length;
    entries.set(path, entry);
    if (entries.size > mostEntries) throw new UnsafeStep(`has more than ${mostEntries} files`);
    if (bytes > mostUnpackedBytes) throw new UnsafeStep(`has more than ${mostUnpackedBytes / 1024 / 1024} MiB of files`);
  };

  return {
    add,
    /** A hard link: the same file once more. */
    addCopy: (path: string, of: string): void => {
      const file = entries.get(safe(of));
      if (file?.kind !== 'file') throw new UnsafeStep(`has a hard link to what is not among its files: ${path} → ${of}`);
      add(path, file);
    },
    /** All of it; in an archive, the one directory that everything lies in is not part of it. */
    files: (from: 'archive' | 'directory'): StepFiles => {
      const files = from === 'archive' ? withoutTop(entries) : entries;
      for (const [path, entry] of files) if (entry.kind === 'symlink') checkLink(path, entry.target);
      return files;
    },
  };
};

/**
 * `..` only at the beginning of a target: a step's entries do not lie behind links, so that what leads up leads up real directories,
 * and no chain of links can come out of the step.
 */
const checkLink = (path: string, target: string): void => {
  const leadsOut = (): UnsafeStep => new UnsafeStep(`has a link that leads out of it: ${path} → ${target}`);
  if (target.startsWith('/') || target === '' || target.includes('\0')) throw leadsOut();
  const parts = target.split('/').filter((part) => part !== '' && part !== '.');
  const up = parts.findIndex((part) => part !== '..');
  const ups = up < 0 ? parts.length : up;
  if (parts.slice(ups).includes('..') || ups > path.split('/').length - 1) throw leadsOut();
};

const withoutTop = (entries: StepFiles): StepFiles => {
  const tops = new Set(Array.from(entries.keys(), (path) => path.split('/')[0] ?? ''));
  const [top = ''] = tops;
  if (tops.size !== 1 || entries.get(top)?.kind !== 'directory') return entries;
  const below = Array.from(entries).filter(([path]) => path !== top);
  return new Map(below.map(([path, entry]) => [path.slice(top.length + 1), entry]));
};

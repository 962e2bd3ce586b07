import { createWriteStream, type Stats } from 'node:fs';
import { chmod, lstat, mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { zipEntries } from '../lib/read-zip.ts';

export type Extracted = {
  readonly files: number;
  /** What could not be written, each with the reason. */
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
};

/**
 * Writes what is in a zip below a directory. Nothing is written through a symbolic link, so nothing lands outside; links are made last.
 * A file that is there already is replaced. What has a name that cannot be is skipped.
 */
export const extractZip = async (zip: Readable, directory: string): Promise<Extracted> => {
  let files = 0;
  const skipped: { readonly path: string; readonly reason: string }[] = [];
  const links: { readonly path: string; readonly parts: readonly string[]; readonly target: string }[] = [];
  const modes: { readonly path: string; readonly mode: number }[] = [];
  const attempt = async (path: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      const reason = skippable(error);
      if (reason === undefined) throw error;
      skipped.push({ path, reason });
    }
  };
  await mkdir(directory, { recursive: true });
  for await (const entry of zipEntries(zip)) {
    await attempt(entry.path, async () => {
      const parts = safeParts(entry.path);
      if (parts.length === 0) return;
      if (entry.kind === 'directory') {
        modes.unshift({ path: await realDirectory(directory, parts), mode: entry.mode });
      } else if (entry.kind === 'symlink') {
        links.push({ path: entry.path, parts, target: (await buffer(await entry.content())).toString() });
      } else {
        const path = await freePath(directory, parts);
        await pipeline(await entry.content(), createWriteStream(path, { flags: 'wx' }));
        await chmod(path, entry.mode);
        files++;
      }
    });
  }
  for (const { path, parts, target } of links) {
    await attempt(path, async () => {
      await symlink(target, await freePath(directory, parts));
      files++;
    });
  }
  for (const { path, mode } of modes) await chmod(path, mode | 0o700);
  return { files, skipped };
};

/** Only this one entry cannot be written; the others can. */
class Unwritable extends Error {}

const skippable = (error: unknown): string | undefined => {
  if (error instanceof Unwritable) return error.message;
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return error.code === 'ENAMETOOLONG' || error.code === 'EILSEQ' ? 'this file system does not take the name' : undefined;
};

const safeParts = (path: string): readonly string[] => {
  if (path.startsWith('/')) throw new Unwritable('it is an absolute path');
  if (path.includes('\0')) throw new Unwritable('its name has a NUL byte');
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new Unwritable('it leads out of the directory');
  return parts;
};

const freePath = async (directory: string, parts: readonly string[]): Promise<string> => {
  const path = join(await realDirectory(directory, parts.slice(0, -1)), parts.at(-1) ?? '');
  const there = await lstatIfThere(path);
  if (there?.isDirectory()) throw new Unwritable(`${path} is a directory`);
  await rm(path, { force: true });
  return path;
};

/** Makes the directories on the way, none of which may be a link. */
const realDirectory = async (directory: string, parts: readonly string[]): Promise<string> => {
  let path = directory;
  for (const part of parts) {
    path = join(path, part);
    const there = await lstatIfThere(path);
    if (there === undefined) await mkdir(path);
    else if (!there.isDirectory()) throw new Unwritable(`${path} is no directory, so nothing is written below it`);
  }
  return path;
};

const lstatIfThere = (path: string): Promise<Stats | undefined> => lstat(path).catch(() => undefined);

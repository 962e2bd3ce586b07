import { createWriteStream } from 'node:fs';
import { chmod, lstat, mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { zipEntries } from './read-zip.ts';
import { Refusal } from './refusal.ts';

/**
 * Writes what is in a zip below a directory and gives the number of files. Nothing is written through a symbolic link, so nothing lands
 * outside; links are made last. A file that is there already is replaced.
 */
export const extractZip = async (zip: Readable, directory: string): Promise<number> => {
  let files = 0;
  const links: { readonly parts: readonly string[]; readonly target: string }[] = [];
  const modes: { readonly path: string; readonly mode: number }[] = [];
  await mkdir(directory, { recursive: true });
  for await (const entry of zipEntries(zip)) {
    const parts = entry.path.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.length === 0) continue;
    if (parts.includes('..')) throw leadsOut(entry.path);
    if (entry.kind === 'directory') {
      modes.unshift({ path: await realDirectory(directory, parts), mode: entry.mode });
      continue;
    }
    files++;
    if (entry.kind === 'symlink') {
      links.push({ parts, target: (await buffer(await entry.content())).toString() });
      continue;
    }
    const path = await freePath(directory, parts);
    await pipeline(await entry.content(), createWriteStream(path, { flags: 'wx' }));
    await chmod(path, entry.mode);
  }
  for (const { parts, target } of links) await symlink(target, await freePath(directory, parts));
  for (const { path, mode } of modes) await chmod(path, mode | 0o700);
  return files;
};

const freePath = async (directory: string, parts: readonly string[]): Promise<string> => {
  const path = join(await realDirectory(directory, parts.slice(0, -1)), parts.at(-1) ?? '');
  const there = await lstat(path).catch(() => undefined);
  if (there?.isDirectory()) throw new Refusal('USAGE', `${path} is a directory, and the artifacts have a file there.`);
  await rm(path, { force: true });
  return path;
};

/** Makes the directories on the way, none of which may be a link. */
const realDirectory = async (directory: string, parts: readonly string[]): Promise<string> => {
  let path = directory;
  for (const part of parts) {
    path = join(path, part);
    const there = await lstat(path).catch(() => undefined);
    if (there === undefined) await mkdir(path);
    else if (!there.isDirectory()) throw leadsOut(path);
  }
  return path;
};

const leadsOut = (path: string): Refusal =>
  new Refusal('USAGE', `${path} is no directory, so nothing is written below it.`, 'Extract into an empty directory.');

import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { PutSnapshot, TableRow, TableShape } from '../../store/snapshot.ts';
import { archiveEntries } from './archive-reader.ts';
import { BackupError } from './backup-error.ts';
import { keptFolders, keptIn } from './kept-files.ts';
import type { Manifest } from './manifest.ts';

export type RestoreWanted = {
  /** Verified. */
  readonly manifest: Manifest;
  readonly from: string;
  readonly directory: string;
  readonly putSnapshot: PutSnapshot;
};

const rowsAtOnce = 100;

/** Into an empty place only: first the files, then the database, all of it or nothing. Rejects with BackupError or StoreError. */
export const takeUpBackup = async ({ manifest, from, directory, putSnapshot }: RestoreWanted): Promise<void> => {
  if (!(await putSnapshot.isEmpty())) {
    throw new BackupError(
      'RESTORE_NOT_EMPTY',
      'There is something in the database already.',
      'Give an empty one: nothing is ever overwritten.',
    );
  }
  const there = await keptIn(directory);
  if (there !== undefined) {
    throw new BackupError(
      'RESTORE_NOT_EMPTY',
      `There is a folder ${there} already.`,
      'Give an empty directory: nothing is ever overwritten.',
    );
  }
  try {
    for await (const { path, content } of archiveEntries(from, manifest, 'files/')) await writeFile(directory, path, content);
    await putSnapshot.put(manifest.schema, rowsIn(from, manifest));
  } catch (error) {
    for (const folder of keptFolders) await rm(join(directory, folder), { recursive: true, force: true });
    throw error;
  }
};

const writeFile = async (directory: string, path: string, content: AsyncIterable<Uint8Array>): Promise<void> => {
  const place = resolve(directory, path.slice('files/'.length));
  const isInside = keptFolders.some((folder) => place.startsWith(`${resolve(directory, folder)}${sep}`));
  if (!isInside) throw new BackupError('BACKUP_DAMAGED', `The backup has a file ${JSON.stringify(path)}, which is none of a server.`);
  await mkdir(dirname(place), { recursive: true, mode: 0o700 });
  await pipeline(content, createWriteStream(place, { flags: 'wx', mode: 0o600, flush: true }));
};

const rowsIn = async function* (
  from: string,
  manifest: Manifest,
): AsyncGenerator<{ readonly table: TableShape; readonly rows: readonly TableRow[] }> {
  for await (const { path, content } of archiveEntries(from, manifest, 'tables/')) {
    const table = manifest.tables.find(({ name }) => path.startsWith(`tables/${name}/`));
    if (table === undefined) throw new BackupError('BACKUP_DAMAGED', `The backup has rows of no table: ${JSON.stringify(path)}.`);
    const rows = (await text(content)).split('\n').filter((line) => line !== '');
    for (let at = 0; at < rows.length; at += rowsAtOnce) {
      yield { table, rows: rows.slice(at, at + rowsAtOnce).map((line) => JSON.parse(line) as TableRow) };
    }
  }
};

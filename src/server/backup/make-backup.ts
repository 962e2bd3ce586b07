import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../../lib/sync-folder.ts';
import type { TableRow, TakeSnapshot } from '../../store/snapshot.ts';
import { type ArchiveWriter, archiveWriter } from './archive-writer.ts';
import { BackupError } from './backup-error.ts';
import { addFolder, keptFolders } from './kept-files.ts';
import type { Manifest } from './manifest.ts';

export type BackupWanted = {
  readonly takeSnapshot: TakeSnapshot;
  readonly keys: readonly [Uint8Array, ...Uint8Array[]];
  /** Of the server; `undefined`: no files. */
  readonly directory: string | undefined;
  readonly to: string;
  readonly at: number;
};

const chunkBytes = 4 * 1024 * 1024;

/**
 * The database as it is at one moment, then the files that it names, which are there before it names them. The file has its name when all of it is on the
 * disk; what was there before stays until then. Rejects with BackupError or StoreError.
 */
export const makeBackup = async ({
  takeSnapshot,
  keys,
  directory,
  to,
  at,
}: BackupWanted): Promise<Pick<Manifest, 'tables' | 'entries'>> => {
  const draft = `${to}.part`;
  const file = await open(draft, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw new BackupError('BACKUP_FAILED', `${draft} cannot be made: ${error.code ?? error.message}.`);
  });
  try {
    const archive = archiveWriter(file, keys, at);
    const about = await takeSnapshot(async ({ schema, tables, rows }) => {
      const written = [];
      for (const table of tables) written.push({ ...table, rows: await addTable(archive, table.name, rows(table)) });
      return { schema, tables: written };
    });
    if (directory !== undefined) for (const folder of keptFolders) await addFolder(archive, directory, folder);
    const { entries, tables } = await archive.end(about);
    await file.sync();
    await rename(draft, to);
    await syncFolder(dirname(to));
    return { entries, tables };
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  } finally {
    await file.close();
  }
};

/** Answers how many rows. */
const addTable = async (archive: ArchiveWriter, name: string, pages: AsyncIterable<readonly TableRow[]>): Promise<number> => {
  let lines: Buffer[] = [];
  let [bytes, rows, part] = [0, 0, 0];
  const flush = async (): Promise<void> => {
    if (bytes === 0) return;
    await archive.add(`tables/${name}/${String(++part).padStart(6, '0')}.jsonl`, bytes, lines);
    lines = [];
    bytes = 0;
  };
  for await (const page of pages) {
    for (const row of page) {
      const line = Buffer.from(`${JSON.stringify(row)}\n`);
      lines.push(line);
      bytes += line.byteLength;
      rows++;
      if (bytes >= chunkBytes) await flush();
    }
  }
  await flush();
  return rows;
};

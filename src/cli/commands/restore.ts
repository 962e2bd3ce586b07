import { rm, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { verifiedManifest } from '../../server/backup/archive-reader.ts';
import { BackupError } from '../../server/backup/backup-error.ts';
import { takeUpBackup } from '../../server/backup/take-up-backup.ts';
import { openDatabase } from '../../store/sql/database.ts';
import { sqlPutSnapshot } from '../../store/sql/snapshot.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { write } from '../write.ts';
import { databasePlace, dataDirectory, keysOf, makeDirectory, ownKey, type ServerPlaceOptions } from './server-place.ts';

export type RestoreOptions = ServerPlaceOptions & { readonly from: string };

/** Into an empty place, for a server with the key that the one had which was backed up. */
export const restore = async (context: Context, options: RestoreOptions): Promise<ExitCode> => {
  const directory = dataDirectory(context, options);
  const place = databasePlace(options, directory);
  const from = resolve(context.cwd, options.from);
  const manifest = await verifiedManifest(from, await keysOf(context, options, directory));
  if (place.kind === 'embedded' && (await stat(place.directory).catch(() => undefined)) !== undefined) {
    throw new BackupError(
      'RESTORE_NOT_EMPTY',
      `There is a database in ${directory} already.`,
      'Give an empty directory: nothing is ever overwritten.',
    );
  }
  await makeDirectory(directory);
  const database = await openDatabase(place);
  try {
    await takeUpBackup({ manifest, from, directory, putSnapshot: sqlPutSnapshot(database) });
  } catch (error) {
    await database.close();
    if (place.kind === 'embedded') await rm(place.directory, { recursive: true, force: true });
    throw error;
  }
  await database.close();
  await write(context.stdout, `Restored what the server had at ${new Date(manifest.at).toISOString()}.\n`);
  const isOwn = options.database === undefined && options.keyFile === undefined && !context.env.CION_SERVER_KEY;
  if (!isOwn) await write(context.stdout, `Start the server with the same key, or put the key into ${ownKey(directory)}.\n`);
  return exitCodes.passed;
};

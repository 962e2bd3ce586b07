import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { systemClock } from '../../lib/clock.ts';
import { plural, size } from '../../lib/quantities.ts';
import { makeBackup } from '../../server/backup/make-backup.ts';
import { openDatabase } from '../../store/sql/database.ts';
import { sqlTakeSnapshot } from '../../store/sql/snapshot.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { Refusal } from '../refusal.ts';
import { write } from '../write.ts';
import { databasePlace, dataDirectory, keysOf, type ServerPlaceOptions } from './server-place.ts';

export type BackupOptions = ServerPlaceOptions & { readonly to: string; readonly results: boolean };

/** Of a Postgres while its server runs; the embedded database is open in one process only, so that its server is stopped first. */
export const backup = async (context: Context, options: BackupOptions): Promise<ExitCode> => {
  const directory = dataDirectory(context, options);
  const place = databasePlace(options, directory);
  if (place.kind === 'embedded' && (await stat(place.directory).catch(() => undefined)) === undefined) {
    throw new Refusal('NO_SERVER', `There is no server in ${directory}.`, 'Say where it is: --data, or --database.');
  }
  const keys = await keysOf(context, options, directory);
  const database = await openDatabase(place);
  const to = resolve(context.cwd, options.to);
  try {
    const takeSnapshot = sqlTakeSnapshot(database);
    const made = await makeBackup({
      takeSnapshot,
      keys,
      directory: options.results ? directory : undefined,
      to,
      at: systemClock.now(),
    });
    const rows = made.tables.reduce((sum, table) => sum + table.rows, 0);
    const bytes = made.entries.reduce((sum, entry) => sum + entry.bytes, 0);
    await write(context.stdout, `${to}: ${plural(rows, 'row')}, ${plural(made.entries.length, 'file')}, ${size(bytes)}\n`);
    await write(
      context.stdout,
      'The key of the server is not in it: keep a copy of the key elsewhere, without it no secret can be read again.\n',
    );
  } finally {
    await database.close();
  }
  return exitCodes.passed;
};

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stateRoot } from './project-dir.ts';

/** `state/ended` names the run that ended last. It is written anew at every end, so that others may watch one file for all runs. */
export const endsFile = 'ended';

/** Only a sign to look: who misses it finds the end in the journal. */
export const markEnd = (dir: string, run: string): Promise<void> => writeFile(join(stateRoot(dir), endsFile), `${run}\n`).catch(() => {});

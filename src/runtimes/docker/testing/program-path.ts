import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where on the PATH a program is. */
export const programPath = (program: string): string | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .map((directory) => join(directory, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });

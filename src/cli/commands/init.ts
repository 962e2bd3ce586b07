import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cionFile } from '../../dialects/cion/cion.ts';
import { suggestConfig } from '../../dialects/init.ts';
import { stateUnwritable } from '../../local/local-error.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { listFiles } from '../list-files.ts';
import { projectRoot } from '../project.ts';
import { Refusal } from '../refusal.ts';
import { write } from '../write.ts';

export type InitOptions = { readonly print?: true; readonly force?: true };

export const init = async (context: Context, { print, force }: InitOptions): Promise<ExitCode> => {
  const root = await projectRoot(context);
  const text = suggestConfig(await listFiles(root), (path) => textOf(join(root, path)));
  if (print) {
    await write(context.stdout, text);
    return exitCodes.passed;
  }
  const path = join(root, cionFile);
  await writeFile(path, text, { flag: force ? 'w' : 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw stateUnwritable(path, error);
    throw new Refusal('CONFIG_EXISTS', `There is a ${path} already.`, '--print shows what would be written, --force replaces it.');
  });
  context.stdout.write(`Wrote ${path}. Look at it, then: cion run\n`);
  return exitCodes.passed;
};

const textOf = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

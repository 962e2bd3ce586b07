import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suggestWercker, werckerFile, werckerFiles } from '../../dialects/wercker-default.ts';
import { stateUnwritable } from '../../local/local-error.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { listFiles } from '../list-files.ts';
import { projectRoot } from '../project.ts';
import { Refusal } from '../refusal.ts';
import { write } from '../write.ts';

export type DetectOptions = { readonly print?: true; readonly force?: true };

/** Writes a wercker.yml that fits the project. */
export const detect = async (context: Context, { print, force }: DetectOptions): Promise<ExitCode> => {
  const root = await projectRoot(context);
  const text = await suggested(root);
  if (print) {
    await write(context.stdout, text);
    return exitCodes.passed;
  }
  const there = werckerFiles.find((file) => existsSync(join(root, file)));
  if (there !== undefined && !force) {
    throw new Refusal(
      'CONFIG_EXISTS',
      `There is a ${join(root, there)} already.`,
      '--print shows what would be written, --force writes it.',
    );
  }
  await writeText(root, text, force ? 'w' : 'wx');
  context.stdout.write(`Wrote ${join(root, werckerFile)}. Look at it, then: cion build\n`);
  return exitCodes.passed;
};

/** Before a build: the same where there is none yet (R-WRK-103). */
export const detectMissing = async ({ stderr }: Context, root: string): Promise<void> => {
  if (werckerFiles.some((file) => existsSync(join(root, file)))) return;
  await writeText(root, await suggested(root), 'wx');
  stderr.write(`cion: there was no ${werckerFile}: wrote one that fits the project\n`);
};

const suggested = async (root: string): Promise<string> => {
  const text = suggestWercker(await listFiles(root), (path) => textOf(join(root, path)));
  if (text !== undefined) return text;
  throw new Refusal(
    'PROJECT_KIND_UNKNOWN',
    `${root} is no project of Node, Ruby, Go or Python that could be told by its files.`,
    `Write a ${werckerFile}, or: cion init`,
  );
};

const writeText = async (root: string, text: string, flag: 'w' | 'wx'): Promise<void> => {
  const path = join(root, werckerFile);
  await writeFile(path, text, { flag }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw stateUnwritable(path, error);
    throw new Refusal('CONFIG_EXISTS', `There is a ${path} already.`);
  });
};

const textOf = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

import type { Parsed, Problem } from '../plan/problem.ts';
import type { Compiled, ConfigFile, Dialect, Given } from '../dialects/dialect.ts';

/** The files of a project, wherever they are. `read` rejects with the reason when a path cannot be read. */
export type Tree = {
  /** Of what lies in the root, or of all files. */
  paths(where: 'root' | 'everywhere'): Promise<readonly string[]>;
  read(path: string): Promise<Uint8Array>;
};

export type CompiledTree = {
  /** The texts that it was made of; Problems point into them. */
  readonly files: readonly ConfigFile[];
  readonly compiled: Compiled;
};

/** What an image prints when it is run, or why it prints nothing that could be used; `later`: it has not been run yet, but will be. */
export type PrintedBy = (image: string) => Promise<Parsed<Uint8Array> | 'later'>;

/**
 * The plan of the first dialect that finds its text in the tree; `undefined` when there is nothing for any of them. `printedBy` runs
 * images that print a part of the text.
 */
export const compileTree = async (
  tree: Tree,
  dialects: readonly Dialect[],
  given: Given,
  printedBy?: PrintedBy,
): Promise<CompiledTree | undefined> => {
  for (const dialect of dialects) {
    const wanted = dialect.wants(await tree.paths(dialect.looks));
    if (wanted.length === 0) continue;
    const problems: Problem[] = [];
    const read = async (path: string): Promise<ConfigFile> => {
      try {
        return { path, bytes: await tree.read(path) };
      } catch (error) {
        problems.push({ code: 'CONFIG_UNREADABLE', message: `${path} cannot be read: ${reasonOf(error)}.`, hint: 'Make it a plain file.' });
        return { path, bytes: new Uint8Array() };
      }
    };
    const files = await Promise.all(wanted.map(read));
    return problems.length > 0 ? { files, compiled: { ok: false, problems } } : compileAll(dialect, files, given, printedBy);
  }
  return undefined;
};

/** As often as there is a further image that was not asked for before; where one is run later, `wantsImages` says which. */
const compileAll = async (
  dialect: Dialect,
  texts: readonly ConfigFile[],
  given: Given,
  printedBy: PrintedBy | undefined,
): Promise<CompiledTree> => {
  const files = [...texts];
  for (;;) {
    const compiled = dialect.compile(files, given);
    if (compiled.ok || compiled.wantsImages === undefined || printedBy === undefined) return { files, compiled };
    const missing: string[] = [];
    for (const image of compiled.wantsImages) {
      const printed = await printedBy(image);
      if (printed === 'later') missing.push(image);
      else if (!printed.ok) return { files, compiled: { ok: false, problems: printed.problems } };
      else files.push({ path: image, bytes: printed.value });
    }
    if (missing.length > 0) return { files, compiled: { ...compiled, wantsImages: missing } };
  }
};

/** Whether there is a text that nothing could be made of because it could not be read. */
export const isUnreadable = ({ compiled }: CompiledTree): boolean =>
  !compiled.ok && compiled.problems.some(({ code }) => code === 'CONFIG_UNREADABLE');

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'it is a link to something that is not there';
  if (code === 'ELOOP') return 'it is a link that leads back to itself';
  if (code === 'EACCES' || code === 'EPERM') return 'its permissions do not allow it';
  return error.message;
};

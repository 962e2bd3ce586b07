import type { Problem } from '../plan/problem.ts';
import type { Compiled, ConfigFile, Dialect } from '../dialects/dialect.ts';

/** The files of a project, wherever they are. `read` rejects with the reason when a path cannot be read. */
export type Tree = {
  readonly paths: readonly string[];
  read(path: string): Promise<Uint8Array>;
};

export type CompiledTree = {
  /** The texts that it was made of; Problems point into them. */
  readonly files: readonly ConfigFile[];
  readonly compiled: Compiled;
};

/** The plan of the first dialect that finds its text in the tree; `undefined` when there is nothing for any of them. */
export const compileTree = async (tree: Tree, dialects: readonly Dialect[]): Promise<CompiledTree | undefined> => {
  for (const dialect of dialects) {
    const wanted = dialect.wants(tree.paths);
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
    return { files, compiled: problems.length > 0 ? { ok: false, problems } : dialect.compile(files) };
  }
  return undefined;
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

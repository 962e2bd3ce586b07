import type { Compiled, ConfigFile, Dialect } from '../dialects/dialect.ts';

/** The files of a project, wherever they are. */
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
    const files = await Promise.all(wanted.map(async (path) => ({ path, bytes: await tree.read(path) })));
    return { files, compiled: dialect.compile(files) };
  }
  return undefined;
};

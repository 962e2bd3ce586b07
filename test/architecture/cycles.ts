import { isForTests, isRelative, type Tree, target } from './tree.ts';

/** One import cycle, of values or types, as the path that comes back to its start; `undefined` when there is none. */
export const cycleIn = (tree: Tree): readonly string[] | undefined => {
  const done = new Set<string>();

  const visit = (module: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(module)) return [...path.slice(path.indexOf(module)), module];
    if (done.has(module)) return undefined;
    for (const { specifier } of tree.get(module) ?? []) {
      if (specifier === undefined || !isRelative(specifier)) continue;
      const cycle = visit(target(module, specifier), [...path, module]);
      if (cycle !== undefined) return cycle;
    }
    done.add(module);
    return undefined;
  };

  for (const module of tree.keys()) {
    const cycle = isForTests(module) ? undefined : visit(module, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
};

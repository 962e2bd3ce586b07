import type { Rules } from './rules.ts';
import { isForTests, isRelative, type Tree, target } from './tree.ts';

/** What in the tree is against the rules, one sentence each. */
export const violations = (tree: Tree, rules: Rules): readonly string[] => [
  ...tableAgainstTree(tree, rules),
  ...Array.from(tree).flatMap(([path, imports]) =>
    imports.flatMap(({ specifier, typeOnly }) => {
      if (specifier === undefined) return [`${path} imports what no reader can name`];
      if (isForTests(path)) return isRelative(specifier) ? missing(tree, path, specifier) : [];
      if (!isRelative(specifier)) return outside(rules, path, specifier);
      return [
        ...missing(tree, path, specifier),
        ...arrows(rules, path, target(path, specifier), typeOnly),
        ...adapters(path, target(path, specifier)),
        ...(isForTests(target(path, specifier)) ? [`${path} imports ${specifier}, which is for tests`] : []),
      ];
    }),
  ),
];

const missing = (tree: Tree, path: string, specifier: string): readonly string[] => {
  const to = target(path, specifier);
  return to.startsWith('../') || to.endsWith('.json') || tree.has(to) ? [] : [`${path} imports ${specifier}, which is no module`];
};

const arrows = ({ arrows: table }: Rules, path: string, to: string, typeOnly: boolean): readonly string[] => {
  const [from, goal] = [folderOf(path, table), folderOf(to, table)];
  if (from === undefined || from === goal) return [];
  const arrow = table.get(from)?.find((each) => each.to === goal);
  if (arrow === undefined) return [`${path} imports ${to}: ${from} may not import ${goal ?? 'from outside src'}`];
  return arrow.typesOnly && !typeOnly ? [`${path} imports ${to}: ${from} may import only types of ${arrow.to}`] : [];
};

/** The longest name in the table that the path is in: `cli/printers` before `cli`. */
const folderOf = (path: string, table: Rules['arrows']): string | undefined =>
  Array.from(table.keys())
    .filter((folder) => path === folder || path.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length)[0];

const adapters = (path: string, to: string): readonly string[] => {
  const adapter = adapterOf(to);
  if (adapter === undefined || adapter === adapterOf(path) || path.startsWith('cli/commands/')) return [];
  return [`${path} imports ${to}: only cli/commands names adapters`];
};

const adapterOf = (path: string): string | undefined => /^(?:runtimes|results|server\/forges)\/[^/]+(?=\/)/.exec(path)?.[0];

const outside = ({ pure }: Rules, path: string, specifier: string): readonly string[] => {
  const folder = path.split('/')[0] ?? '';
  const allowed = pure.get(folder);
  return allowed === undefined || allowed.includes(specifier) ? [] : [`${path} imports ${specifier}: ${folder} is pure`];
};

const tableAgainstTree = (tree: Tree, { arrows: table, pure }: Rules): readonly string[] => {
  const paths = Array.from(tree.keys());
  const exists = (folder: string): boolean => paths.some((path) => path === folder || path.startsWith(`${folder}/`));
  const named = [...table.keys(), ...Array.from(table.values()).flatMap((list) => list.map(({ to }) => to)), ...pure.keys()];
  return [
    ...new Set(paths.filter((path) => folderOf(path, table) === undefined).map((path) => `no row for ${path.split('/')[0]}`)),
    ...new Set(named.filter((folder) => !exists(folder)).map((folder) => `the table names ${folder}, which is not there`)),
  ];
};

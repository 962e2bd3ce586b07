import { kindOf, type Language, type Tree } from './project-kinds.ts';

export const werckerFile = 'wercker.yml';

/** Each in the order of the files that it reads: the first that is there is read. */
export const werckerFiles: readonly string[] = ['ewok.yml', werckerFile, '.wercker.yml'];

/**
 * A `wercker.yml` to begin with, for a project of Node, Ruby, Go or Python (R-WRK-104); `undefined` where it is none of them. `paths`
 * are files relative to the root, with `/`; `read` answers a file's text.
 */
export const suggestWercker = (paths: readonly string[], read: (path: string) => string | undefined): string | undefined => {
  const known = new Set(paths.flatMap((path) => [path, path.split('/', 1)[0] ?? path]));
  const tree: Tree = { has: (path) => known.has(path), read: (path) => (known.has(path) ? (read(path) ?? '') : '') };
  const found = kindOf(tree, 'WERCKER_OUTPUT_DIR');
  if (found === undefined || !languages.has(found.language)) return undefined;
  const { suggestion } = found;
  return [
    `# What runs for a commit; suggested by ${suggestion.found}.`,
    '# Files that are put into $WERCKER_OUTPUT_DIR are kept; without any, the source is what "cion deploy" takes on.',
    `box: ${suggestion.image}`,
    '',
    'build:',
    '  steps:',
    ...step('build', suggestion.build),
    ...(suggestion.test === undefined ? [] : step('test', suggestion.test)),
    '',
    '# Runs when somebody says so: cion deploy. It begins in the box that the build left.',
    '# deploy:',
    '#   steps:',
    '#     - script:',
    '#         name: release',
    '#         code: echo "replace this"',
    '',
  ].join('\n');
};

const languages: ReadonlySet<Language> = new Set(['node', 'ruby', 'go', 'python']);

const step = (name: string, lines: readonly string[]): readonly string[] => [
  '    - script:',
  `        name: ${name}`,
  '        code: |',
  ...lines.map((line) => `          ${line}`),
];

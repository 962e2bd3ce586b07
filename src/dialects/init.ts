import { kindOf, type Suggestion, type Tree } from './project-kinds.ts';

/**
 * A `.cion.yml` to begin with, from what the tree holds; it always compiles. `paths` are files relative to the root, with `/`; `read`
 * answers a file's text.
 */
export const suggestConfig = (paths: readonly string[], read: (path: string) => string | undefined): string => {
  const known = new Set(paths.flatMap((path) => [path, path.split('/', 1)[0] ?? path]));
  const tree: Tree = { has: (path) => known.has(path), read: (path) => (known.has(path) ? (read(path) ?? '') : '') };
  return written(kindOf(tree)?.suggestion ?? nothingFound);
};

const nothingFound: Suggestion = {
  found: '',
  image: 'busybox',
  build: ['echo "replace this with the commands that build the project"', 'cp README* "$ARTIFACTS_DIR" || true'],
};

const written = ({ found, image, build, test, more = [] }: Suggestion): string =>
  [
    found === '' ? '# What runs for a commit.' : `# What runs for a commit; suggested by ${found}.`,
    '# Directories: BUILD_DIR holds the commit, ARTIFACTS_DIR takes what is to be kept.',
    '',
    'build:',
    `  image: ${image}`,
    ...more.map((line) => `  ${line}`),
    ...script(build),
    '',
    ...(test === undefined
      ? ['# Runs after build; a release waits for it.', '# test:', `#   image: ${image}`, '#   run: echo "replace this"']
      : ['# Runs after build, in the same directory; a release waits for it.', 'test:', `  image: ${image}`, ...script(test)]),
    '',
    '# Runs when all before passed, and is recorded as a deployment; it finds the artifacts in ARTIFACTS_DIR.',
    '# release:',
    '#   image: busybox',
    '#   env:',
    '#     TOKEN: { secret: TOKEN }',
    '#   run: echo "replace this with what releases the artifacts"',
    '#   environment: production',
    '',
  ].join('\n');

const script = (lines: readonly string[]): readonly string[] => ['  run: |', ...lines.map((line) => `    ${line}`)];

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { violations } from './check.ts';
import { cycleIn } from './cycles.ts';
import { importsOf } from './imports.ts';
import { rulesOf } from './rules.ts';
import { treeOf } from './tree.ts';

const rules = rulesOf(readFileSync('ARCHITECTURE.md', 'utf8'));
const sources = new Map(globSync('**/*.ts', { cwd: 'src' }).map((path) => [path, readFileSync(`src/${path}`, 'utf8')]));

test('every import in src follows the arrows of ARCHITECTURE.md', () => {
  const tree = treeOf(sources);
  assert.ok(tree.size > 15, `only ${tree.size} modules were seen`);
  assert.ok(rules.arrows.size > 10, `only ${rules.arrows.size} rows were read`);
  assert.deepEqual(violations(tree, rules), []);
});

test('no modules of src import each other in a circle', () => {
  assert.equal(cycleIn(treeOf(sources))?.join(' → '), undefined);
});

/** A tree in which every folder of the table is there, with these modules on top. */
const treeWith = (modules: Readonly<Record<string, string>>) =>
  treeOf(
    new Map([
      ...Array.from(rules.arrows.keys(), (folder) => [folder.endsWith('.ts') ? folder : `${folder}/x.ts`, ''] as const),
      ...[
        'runtimes/docker/x.ts',
        'runtimes/fake/x.ts',
        'results/fs/x.ts',
        'server/forges/git/x.ts',
        'cli/commands/x.ts',
        'lib/x.test.ts',
      ].map((path) => [path, ''] as const),
      ...Object.entries(modules),
    ]),
  );

const refused: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
  ['an arrow that the table lacks', { 'plan/a.ts': "import { x } from '../engine/x.ts';" }, /plan may not import engine/],
  ['the same as a dynamic import', { 'plan/a.ts': "const x = await import('../engine/x.ts');" }, /plan may not import engine/],
  ['the same as a type', { 'plan/a.ts': "type X = import('../engine/x.ts').X;" }, /plan may not import engine/],
  ['the same as a re-export', { 'plan/a.ts': "export * from '../engine/x.ts';" }, /plan may not import engine/],
  ['the same for its effects', { 'plan/a.ts': "import '../engine/x.ts';" }, /plan may not import engine/],
  ['the same over several lines', { 'plan/a.ts': "import {\n  x,\n  y,\n} from '../engine/x.ts';" }, /plan may not import engine/],
  ['the same inside a template', { 'plan/a.ts': "const t = `${await import('../engine/x.ts')}`;" }, /plan may not import engine/],
  ['a value where only types may go', { 'engine/a.ts': "import { x } from '../results/x.ts';" }, /only types of results/],
  ['a value beside a type', { 'engine/a.ts': "import { type X, y } from '../results/x.ts';" }, /only types of results/],
  ['an awaited module where only types may go', { 'engine/a.ts': "(await import('../results/x.ts')).X;" }, /only types of results/],
  ['a printer that reaches into the CLI', { 'cli/printers/a.ts': "import { x } from '../x.ts';" }, /cli\/printers may not import cli/],
  ['an adapter named by the engine', { 'engine/a.ts': "import type { x } from '../runtimes/docker/x.ts';" }, /only cli\/commands/],
  ['an adapter named by the port', { 'runtimes/a.ts': "import { x } from './fake/x.ts';" }, /only cli\/commands/],
  ['an adapter named by another', { 'runtimes/docker/a.ts': "import { x } from '../fake/x.ts';" }, /only cli\/commands/],
  ['an adapter named by the rest of the CLI', { 'cli/a.ts': "import { x } from '../results/fs/x.ts';" }, /only cli\/commands/],
  ['an adapter named by the server', { 'server/intake/a.ts': "import { x } from '../forges/git/x.ts';" }, /only cli\/commands/],
  ['a test that code imports', { 'lib/a.ts': "import { x } from './x.test.ts';" }, /for tests/],
  ['I/O in a pure folder', { 'plan/a.ts': "import { readFileSync } from 'node:fs';" }, /plan is pure/],
  ['a package that a pure folder may not use', { 'run/a.ts': "import { z } from 'zod';" }, /run is pure/],
  ['a module that is not there', { 'plan/a.ts': "import { x } from './nowhere.ts';" }, /no module/],
  ['a module without its ending', { 'plan/a.ts': "import { x } from './x';" }, /no module/],
  ['a module that is computed', { 'cli/a.ts': 'await import(name);' }, /no reader can name/],
  ['a folder that the table lacks', { 'helpers/a.ts': '' }, /no row for helpers/],
  ['a way out of src', { 'plan/a.ts': "import { x } from '../../scripts/x.ts';" }, /plan may not import from outside src/],
];

for (const [what, modules, sentence] of refused) {
  test(`the architecture check refuses ${what}`, () => {
    assert.match(violations(treeWith(modules), rules).join('\n'), sentence);
  });
}

test('the architecture check refuses a row for a folder that is not there', () => {
  const more = rulesOf(readFileSync('ARCHITECTURE.md', 'utf8').replace('| plan | lib |', '| plan | lib |\n| ghost | lib |'));
  assert.match(violations(treeWith({}), more).join('\n'), /ghost, which is not there/);
});

test('the architecture check lets pass what the table allows, what tests need, and what is only prose', () => {
  const modules = {
    'engine/a.ts':
      "import type { x } from '../results/x.ts';\nimport { type Y } from '../results/x.ts';\nimport { z } from '../runtimes/x.ts';",
    'engine/a.test.ts': "import { x } from '../runtimes/fake/x.ts';\nimport { readFileSync } from 'node:fs';",
    'cli/commands/a.ts': "import { x } from '../../runtimes/docker/x.ts';",
    'main.ts': "await import('./cli/x.ts');",
    'plan/a.ts':
      "// import '../engine/x.ts'\n/* import '../engine/x.ts' */\nconst t = `\nimport { x } from '../engine/x.ts'`;\nconst r = /`'\"/;",
    'plan/b.ts': "const t = `${[`}`, { a: 1 }].length} import('../engine/x.ts')`;",
  };
  assert.deepEqual(violations(treeWith(modules), rules), []);
});

test('a circle of imports is named by its path, also where it closes over a type', () => {
  const modules = {
    'plan/a.ts': "import { b } from './b.ts';",
    'plan/b.ts': "import { c } from './c.ts';",
    'plan/c.ts': "import type { A } from './a.ts';",
  };
  assert.deepEqual(cycleIn(treeWith(modules)), ['plan/a.ts', 'plan/b.ts', 'plan/c.ts', 'plan/a.ts']);
  assert.equal(cycleIn(treeWith({ ...modules, 'plan/c.ts': '' })), undefined);
});

test('the command line reaches its runs without a database: only the store of a server imports a driver of one (R-WRK-175)', () => {
  const drivers =
    /^(?:pg|postgres|kysely|knex|mysql2?|mariadb|mongodb|redis|ioredis|better-sqlite3|sqlite3|node:sqlite|@electric-sql\/.*)$/;
  const imported = [...sources].flatMap(([path, text]) =>
    path.endsWith('.test.ts') || path.startsWith('store/sql/')
      ? []
      : importsOf(text).flatMap(({ specifier = '' }) => (specifier.startsWith('.') ? [] : [specifier])),
  );
  assert.ok(imported.includes('commander') || imported.includes('@commander-js/extra-typings'));
  assert.deepEqual(
    imported.filter((name) => drivers.test(name)),
    [],
  );
});

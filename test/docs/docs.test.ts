import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { isForTests } from '../architecture/tree.ts';
import { codesIn, codesOn } from './error-codes.ts';
import { linksOf } from './links.ts';

const read = (path: string): string => readFileSync(path, 'utf8');
const sources = globSync('src/**/*.ts').filter((path) => !isForTests(path));
const ours = globSync('{src,test,e2e,bench,scripts}/**/*.{ts,mjs}');
const pages = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md']);
const errors = codesOn(read('docs/errors.md'));

test('every code that the sources make stands in docs/errors.md', () => {
  const made = new Set(sources.flatMap((path) => codesIn(read(path))));
  assert.ok(made.size > 10, `only ${made.size} codes were found`);
  const documented = new Set(errors.map(({ code }) => code));
  assert.deepEqual(Array.from(made.difference(documented)).sort(), []);
});

test('every code in docs/errors.md is made by the sources, stands there once, and is explained', () => {
  const text = sources.map(read).join('\n');
  const codes = errors.map(({ code }) => code);
  assert.deepEqual(
    codes.filter((code) => !text.includes(`'${code}'`)),
    [],
  );
  assert.deepEqual(
    codes.filter((code, i) => codes.indexOf(code) !== i),
    [],
  );
  assert.deepEqual(
    errors.filter((error) => error.text.length < 20).map(({ code }) => code),
    [],
  );
});

test('codes are found wherever they are made', () => {
  const text = [
    "const a = { code: 'A_CODE', message };",
    "return problem('B_CODE', node);",
    "throw new RuntimeError(\n  'C_CODE',\n  'message');",
    "type XCode = 'D_CODE' | 'E_CODE';",
    "if (error.code === 'OTHER') throw Object.assign(error, { code: 'ENOENT' });",
  ];
  assert.deepEqual(codesIn(text.join('\n')), ['A_CODE', 'B_CODE', 'C_CODE', 'D_CODE', 'E_CODE']);
});

test('every link from page to page leads somewhere', () => {
  const broken = pages.flatMap((page) =>
    linksOf(page, read(page))
      .filter((target) => !existsSync(target))
      .map((target) => `${page} → ${target}`),
  );
  assert.deepEqual(broken, []);
});

test('every decision has its own number, a date, and its line in the list', () => {
  const decisions = globSync('docs/adr/[0-9]*.md').sort();
  const numbers = decisions.map((path) => basename(path).slice(0, 4));
  assert.equal(new Set(numbers).size, numbers.length, numbers.join(' '));
  const list = read('docs/README.md');
  for (const path of decisions) {
    assert.ok(list.includes(`(adr/${basename(path)})`), `docs/README.md does not list ${path}`);
    assert.match(read(path), /^\d{4}-\d{2}-\d{2}$/m, `${path} has no date`);
    for (const part of ['Context', 'Decision', 'Consequences']) assert.match(read(path), new RegExp(`^## ${part}$`, 'm'), path);
  }
});

test('files of code are small, named for what they are, and finished', () => {
  const wall = 500;
  const unfinished = new RegExp(['TO', 'DO|FIX', 'ME|XX', 'X\\b'].join(''));
  for (const path of ours) {
    const text = read(path);
    assert.ok(text.split('\n').length <= wall, `${path} has more than ${wall} lines`);
    assert.match(basename(path), /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|contract|d))?\.(ts|mjs)$/, `${path} is not in kebab case`);
    assert.doesNotMatch(basename(path), /^(index|utils?|helpers?|common|misc)\./, `${path} is named for nothing`);
    assert.doesNotMatch(text, unfinished, `${path} is unfinished`);
  }
});

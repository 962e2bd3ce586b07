import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ignoredBy } from './dockerignore.ts';

const cases: readonly (readonly [rules: string, ignored: readonly string[], kept: readonly string[]])[] = [
  ['node_modules', ['node_modules', 'node_modules/a/b'], ['a/node_modules', 'node_modules2']],
  ['/dist/', ['dist', 'dist/x'], ['a/dist']],
  ['**/node_modules', ['node_modules/x', 'a/b/node_modules/x'], ['a/my_node_modules']],
  ['*.log', ['a.log'], ['a/b.log', 'alog']],
  ['**/*.log', ['a.log', 'a/b/c.log'], ['a.log2']],
  ['*/temp*', ['a/temp', 'a/temp1/x'], ['temp', 'a/b/temp']],
  ['temp?', ['temp1'], ['temp', 'temp12', 'temp/']],
  ['docs/**', ['docs/a', 'docs/a/b'], ['docs']],
  ['*.md\n!README.md\nREADME-secret.md', ['a.md', 'README-secret.md'], ['README.md']],
  ['build\n!build/keep', ['build', 'build/other'], ['build/keep', 'build/keep/x']],
  ['# a comment\n\n  spaced  \r\n!', ['spaced'], ['#', 'a comment']],
  ['[ab].txt\n[^c].bin', ['a.txt', 'd.bin'], ['c.txt', 'c.bin']],
  ['a\\*b\n(x)+{y}', ['a*b', '(x)+{y}'], ['aab', 'x']],
  ['./a/../b', ['b'], ['a']],
  ['[', [], ['[x', 'a']],
  ['größe 漢?', ['größe 漢字'], ['größe']],
];

for (const [rules, ignored, kept] of cases) {
  test(`.dockerignore ${JSON.stringify(rules)}`, () => {
    const isIgnored = ignoredBy(rules);
    for (const path of ignored) assert.equal(isIgnored(path), true, path);
    for (const path of kept) assert.equal(isIgnored(path), false, path);
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takes } from './glob-list.ts';

const cases: readonly (readonly [globs: readonly string[], taken: readonly string[], left: readonly string[]])[] = [
  [[], ['main', ''], []],
  [['main'], ['main'], ['Main', 'mai', 'main2', 'x/main']],
  [['release/*'], ['release/1', 'release/'], ['release/1/2', 'release', 'xrelease/1']],
  [['release/**'], ['release/1', 'release/1/2'], ['release']],
  [['**/x.md'], ['x.md', 'a/x.md', 'a/b/x.md'], ['ax.md', 'a/bx.md', 'x.md/a']],
  [['docs/**/*.md'], ['docs/a.md', 'docs/a/b.md'], ['docs/a.txt', 'a.md']],
  [['v?.*'], ['v1.0', 'v2.'], ['v10.0', 'v/.0']],
  [['!main'], ['other'], ['main']],
  [['**', '!docs/**'], ['src/a', 'a'], ['docs/a']],
  [
    ['src/**', '!src/**/*.md', 'src/api.md'],
    ['src/a.ts', 'src/api.md'],
    ['src/b.md', 'docs/a'],
  ],
  [['!docs/**', 'docs/api/**'], ['docs/api/x', 'a'], ['docs/y']],
  [
    ['a.c', '[ab]', '(x)+', '$^'],
    ['a.c', '[ab]', '(x)+', '$^'],
    ['abc', 'a', 'x'],
  ],
  [['é?'], ['é🎉'], ['é']],
];

test('a list of globs takes what its last matching glob says', () => {
  for (const [globs, taken, left] of cases) {
    for (const name of taken) assert.equal(takes(globs, name), true, `${JSON.stringify(globs)} takes ${name}`);
    for (const name of left) assert.equal(takes(globs, name), false, `${JSON.stringify(globs)} leaves ${name}`);
  }
});

test('a glob that is made to be slow is as fast as any other', () => {
  const from = process.cpuUsage().user;
  assert.equal(takes([`${'*a'.repeat(100)}b`], 'a'.repeat(1000)), false);
  assert.ok(process.cpuUsage().user - from < 2_000_000);
});

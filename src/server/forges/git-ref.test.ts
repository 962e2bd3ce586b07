import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { isRef } from './git-ref.ts';

const names = [
  ...[
    'main',
    'a/b',
    'a"b',
    "a'b",
    'a`id`b',
    '$(id)',
    '${IFS}',
    'a;b',
    'a|b',
    'a&b',
    'a<b>',
    '-x',
    '--upload-pack',
    'é',
    '\u202egnp',
    '\u2066x',
    '@',
    'a@b',
  ],
  ...[
    'a\nb',
    'a b',
    'a\tb',
    'a\u007fb',
    'a..b',
    '../../etc',
    '.a',
    'a/.b',
    'a.lock',
    'a.lock/b',
    'a.',
    'a/',
    'a//b',
    'a~1',
    'a^',
    'a:b',
    'a?',
    'a*',
    'a[b',
  ],
  ...['a\\b', '@{', 'a@{b', '', '.', '..', '/', 'a.b', 'a.lockx', 'a/b.c/d'],
];

test('what is a ref is what git itself takes for one (atk-06)', () => {
  for (const name of names) {
    const git = spawnSync('git', ['check-ref-format', `refs/heads/${name}`]).status === 0;
    assert.equal(isRef(`refs/heads/${name}`), git, JSON.stringify(name));
  }
});

test('a name of 64 KiB, half a character and a name outside refs/ are no refs (atk-06)', () => {
  assert.equal(isRef(`refs/heads/${'a'.repeat(65_536)}`), false);
  assert.equal(isRef('refs/heads/\ud83d'), false);
  assert.equal(isRef('HEAD'), false);
  assert.equal(isRef('refs/stash'), false);
  assert.equal(isRef(`refs/heads/${'a'.repeat(1000)}`), true);
});

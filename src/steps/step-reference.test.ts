import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isExact, parseStepReference } from './step-reference.ts';

const read = (text: string) => {
  const answer = parseStepReference(text);
  return answer.ok ? answer.value : answer.problems.map(({ code }) => code);
};

test('a reference is a name with an owner and a version, a directory, or the address of an archive (R-WRK-27)', () => {
  assert.deepEqual(read('npm-install'), { kind: 'named', name: 'npm-install', version: '*' });
  assert.deepEqual(read('ada/greet'), { kind: 'named', owner: 'ada', name: 'greet', version: '*' });
  assert.deepEqual(read('ada/greet@1.2.3'), { kind: 'named', owner: 'ada', name: 'greet', version: '1.2.3' });
  assert.deepEqual(read('add-to-known_hosts@^1.0'), { kind: 'named', name: 'add-to-known_hosts', version: '^1.0' });
  assert.deepEqual(read('greet "file://steps/my greet"'), { kind: 'directory', name: 'greet', path: 'steps/my greet' });
  assert.deepEqual(read('ada/greet file:///work/greet'), { kind: 'directory', owner: 'ada', name: 'greet', path: '/work/greet' });
  assert.deepEqual(read('greet "https://x.example/greet.tgz"'), {
    kind: 'archive',
    name: 'greet',
    url: new URL('https://x.example/greet.tgz'),
  });
});

test('what names no step is a Problem', () => {
  for (const text of [
    '',
    'a/b/c',
    'https://x.example/greet.tgz',
    'greet "ftp://x.example/g"',
    '../greet',
    'greet@',
    'greet@1.0 "file://x"',
    '..',
  ]) {
    assert.deepEqual(read(text), ['STEP_REFERENCE'], text);
  }
});

test('only a whole version is exact', () => {
  assert.deepEqual(['1.2.3', 'v1.2.3', '1.0.0-rc.1', '1.2.3+5'].map(isExact), [true, true, true, true]);
  assert.deepEqual(['1.2', '^1.2.3', '*', '~1.2.3', '1.x.0', 'latest'].map(isExact), [false, false, false, false, false, false]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wantedOf } from './clone.ts';

const remote = { domain: 'example.org', owner: 'ada', repository: 'engine' };

test('a project is named by host, owner and name, with a branch, a tag or a commit behind it (R-WRK-82)', () => {
  assert.deepEqual(wantedOf('example.org/ada/engine', false), { url: 'https://example.org/ada/engine.git', remote });
  assert.deepEqual(wantedOf('example.org/ada/engine@feature/x', false), {
    url: 'https://example.org/ada/engine.git',
    remote,
    ref: 'feature/x',
  });
  assert.deepEqual(wantedOf('example.org/ada/engine', true), { url: 'ssh://git@example.org/ada/engine.git', remote });
});

test('an address is taken as it is', () => {
  for (const url of [
    'https://example.org/ada/engine',
    'https://me@example.org/ada/engine.git',
    'ssh://git@example.org:2222/ada/engine.git',
    'git@example.org:ada/engine.git',
  ]) {
    assert.deepEqual(wantedOf(url, false), { url, remote }, url);
    assert.deepEqual(wantedOf(`${url}@v1.0`, false), { url, remote, ref: 'v1.0' }, url);
  }
  assert.deepEqual(wantedOf('file:///srv/ada/engine.git', false)?.remote, { ...remote, domain: 'localhost' });
});

test('what is no repository, has a password in it or could be an option is refused', () => {
  for (const text of [
    '',
    'engine',
    'ada/engine',
    'https://me:s3cret@example.org/ada/engine',
    '--upload-pack=x/y/z',
    '-oProxyCommand=x/ada/engine',
    'example.org/ada/engine@--all',
    'example.org/ada/engine@a b',
    'ext::sh -c x/y/z',
  ]) {
    assert.equal(wantedOf(text, false), undefined, text);
  }
});

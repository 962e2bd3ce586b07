import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRemote } from './remote.ts';

test('domain, owner and repository are read from every form of a remote, without user or password', () => {
  const expected = { domain: 'github.com', owner: 'ada', repository: 'engine' };
  for (const url of [
    'https://github.com/ada/engine.git',
    'https://github.com/ada/engine',
    'https://github.com/ada/engine/',
    'https://ada:s3cret@github.com/ada/engine.git',
    'https://token@GitHub.com:443/ada/engine.git',
    'ssh://git@github.com:22/ada/engine.git',
    'ssh://github.com/ada/engine',
    'git@github.com:ada/engine.git',
    'github.com:ada/engine',
    'git://github.com/ada/engine.git',
  ]) {
    assert.deepEqual(parseRemote(url), expected, url);
  }
});

test('groups of groups are the owner, and dots are part of a repository name', () => {
  assert.deepEqual(parseRemote('git@gitlab.example.org:team/tools/web.site.git'), {
    domain: 'gitlab.example.org',
    owner: 'team/tools',
    repository: 'web.site',
  });
});

test('a path on this machine names no owner', () => {
  for (const url of ['/srv/git/engine.git', '../engine', 'file:///srv/git/engine.git', '', 'https://github.com/', 'https://github.com/x']) {
    assert.equal(parseRemote(url), undefined, url);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { caseOf, fromGitea } from '../testing/hook-request.ts';
import { gitea } from './hook.ts';

const secret = 'the secret';
const eventOf = (event: string, name: string) => {
  const told = gitea.read(fromGitea(event, caseOf('gitea', name), secret));
  assert.ok(told.kind === 'read', JSON.stringify(told));
  assert.equal(told.repository, '140');
  return told.event;
};
const newest = 'bffeb74224043ba2feb48d137756c8a9331c449a';

test('a push of Gitea tells its commits, the oldest first', () => {
  assert.deepEqual(eventOf('push', 'push'), {
    kind: 'push',
    ref: 'refs/heads/develop',
    commit: newest,
    commits: [
      { id: '5ce1d9e8a35ef4a2a0a6a8d1f8b4b0b5e7a3f101', paths: ['a b/ü.txt'] },
      { id: newest, paths: ['README.md'] },
    ],
    isWhole: true,
    by: 'gitea',
    actor: '1',
  });
});

test('of a tag Gitea tells the commit once: its event "create" is not read as another', () => {
  assert.deepEqual(eventOf('push', 'tag'), { kind: 'tag', ref: 'refs/tags/v1.0.0', commit: newest, by: 'gitea', actor: '1' });
  assert.equal(eventOf('create', 'create').kind, 'other');
  assert.deepEqual(eventOf('push', 'branch-delete'), { kind: 'ref-deleted', ref: 'refs/heads/develop' });
});

test('whose change a pull request of Gitea is: who opened it and who pushed, not who opened it again (atk-04)', () => {
  const pull = caseOf('gitea', 'pull-request-synchronized-fork');
  const authorsOf = (action: string) => {
    const told = gitea.read(fromGitea('pull_request', { ...pull, action, sender: { id: 9, login: 'gitea' } }, secret));
    return told.kind === 'read' && told.event.kind === 'pull-request' ? told.event.authors : undefined;
  };
  assert.deepEqual(authorsOf('synchronized'), ['1', '9']);
  assert.deepEqual(authorsOf('reopened'), ['1']);
});

test('pull requests of Gitea say whether they are of a fork, also when that is gone', () => {
  const pull = {
    kind: 'pull-request',
    number: 2,
    ref: 'refs/pull/2/head',
    commit: newest,
    draft: false,
    by: 'gitea',
    actor: '1',
    authors: ['1'],
  };
  assert.deepEqual(eventOf('pull_request', 'pull-request-opened'), { ...pull, action: 'opened', fork: false, headRepository: '140' });
  assert.deepEqual(eventOf('pull_request', 'pull-request-synchronized-fork'), {
    ...pull,
    action: 'updated',
    fork: true,
    headRepository: '141',
  });
  assert.deepEqual(eventOf('pull_request', 'pull-request-fork-gone'), { ...pull, action: 'opened', fork: true });
  assert.deepEqual(eventOf('pull_request', 'pull-request-draft'), {
    ...pull,
    action: 'opened',
    draft: true,
    fork: false,
    headRepository: '140',
  });
  assert.deepEqual(eventOf('pull_request', 'pull-request-closed'), { ...pull, action: 'closed', fork: false, headRepository: '140' });
});

test('Gitea tells of a repository that was deleted', () => {
  assert.deepEqual(eventOf('repository', 'repository-deleted'), { kind: 'repository-deleted' });
});

test('what Gitea did not sign with this secret is not genuine (atk-01)', () => {
  const sent = fromGitea('push', caseOf('gitea', 'push'), secret);
  assert.equal(gitea.verify(sent, secret).genuine, true);
  assert.equal(gitea.verify(sent, 'another').genuine, false);
  assert.equal(gitea.verify({ ...sent, body: Buffer.from('{}') }, secret).genuine, false);
  for (const value of [undefined, '', sent.headers['x-gitea-signature']?.slice(1)]) {
    assert.equal(gitea.verify({ ...sent, headers: { ...sent.headers, 'x-gitea-signature': value } }, secret).genuine, false);
  }
});

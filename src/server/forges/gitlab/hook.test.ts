import assert from 'node:assert/strict';
import { test } from 'node:test';
import { caseOf, fromGitLab } from '../testing/hook-request.ts';
import { gitlab } from './hook.ts';

const secret = Buffer.alloc(32, 7).toString('base64');
const eventOf = (event: string, name: string) => {
  const told = gitlab.read(fromGitLab(event, caseOf('gitlab', name), secret));
  assert.ok(told.kind === 'read', JSON.stringify(told));
  assert.equal(told.repository, '15');
  return told.event;
};
const [older, newest] = ['b6568db1bc1dcd7f8b4d5a946b0b91f9dacd7327', 'da1560886d4f094c3e6c9ef40349f7d38b5d27d7'];
const paths = ['CHANGELOG', 'app/controller/application.rb'];

test('a push of GitLab tells its commits, and that it left some out', () => {
  assert.deepEqual(eventOf('Push Hook', 'push'), {
    kind: 'push',
    ref: 'refs/heads/master',
    commit: newest,
    commits: [
      { id: older, paths },
      { id: newest, paths },
    ],
    isWhole: false,
    by: 'jsmith',
    actor: '4',
  });
});

test('of a tag GitLab tells the commit, and of a deleted branch that it is gone', () => {
  assert.deepEqual(eventOf('Tag Push Hook', 'tag'), { kind: 'tag', ref: 'refs/tags/v1.0.0', commit: newest, by: 'jsmith', actor: '4' });
  assert.deepEqual(eventOf('Push Hook', 'branch-delete'), { kind: 'ref-deleted', ref: 'refs/heads/master' });
});

test('merge requests of GitLab are pull requests, and those of another project are of a fork', () => {
  const pull = { kind: 'pull-request', number: 1, ref: 'refs/merge-requests/1/head', commit: newest, draft: false, by: 'root', actor: '1' };
  assert.deepEqual(eventOf('Merge Request Hook', 'merge-request-open'), {
    ...pull,
    action: 'opened',
    fork: false,
    headRepository: '15',
    authors: ['51', '1'],
  });
  assert.deepEqual(eventOf('Merge Request Hook', 'merge-request-update-fork'), {
    ...pull,
    action: 'updated',
    fork: true,
    headRepository: '14',
    authors: ['51', '1'],
  });
  assert.deepEqual(eventOf('Merge Request Hook', 'merge-request-merged'), {
    ...pull,
    action: 'closed',
    fork: false,
    headRepository: '15',
    authors: ['51'],
  });
  assert.equal(eventOf('Merge Request Hook', 'merge-request-labelled').kind, 'other');
});

test('who did it at GitLab is who pushed, not whom the commit names (atk-04)', () => {
  const push = caseOf('gitlab', 'push');
  const forged = { ...push, commits: [{ id: newest, author: { name: 'root', email: 'admin@example.com', id: 1 } }] };
  const told = gitlab.read(fromGitLab('Push Hook', forged, secret));
  assert.ok(told.kind === 'read' && told.event.kind === 'push');
  assert.equal(told.event.actor, '4');
});

test('a signed delivery of GitLab is judged by its signature alone, and says when (atk-01, atk-02)', () => {
  const at = 1_700_000_000_000;
  const sent = fromGitLab('Push Hook', caseOf('gitlab', 'push'), secret, 'd1', at);
  assert.deepEqual(gitlab.verify(sent, secret), { genuine: true, signedAt: at });
  assert.deepEqual(gitlab.verify(sent, `whsec_${secret}`), { genuine: true, signedAt: at });
  const two = { ...sent, headers: { ...sent.headers, 'webhook-signature': `v1,AAAA ${sent.headers['webhook-signature']}` } };
  assert.equal(gitlab.verify(two, secret).genuine, true);
  const changes: Readonly<Record<string, string | undefined>>[] = [
    { 'webhook-timestamp': String(at / 1000 + 60) },
    { 'webhook-timestamp': undefined },
    { 'webhook-id': 'd2' },
    { 'webhook-id': undefined },
    { 'webhook-signature': 'v1,' },
    { 'webhook-signature': '', 'x-gitlab-token': secret },
    { 'webhook-signature': sent.headers['webhook-signature']?.replace('v1,', 'v1a,') },
  ];
  for (const change of changes) {
    assert.equal(gitlab.verify({ ...sent, headers: { ...sent.headers, ...change } }, secret).genuine, false, JSON.stringify(change));
  }
  assert.equal(gitlab.verify({ ...sent, body: Buffer.from('{}') }, secret).genuine, false);
  assert.equal(gitlab.verify(sent, Buffer.alloc(32, 8).toString('base64')).genuine, false);
});

test('a key too short to keep a secret signs nothing (atk-01)', () => {
  const sent = fromGitLab('Push Hook', {}, '!!', 'd1', 1_700_000_000_000);
  assert.equal(gitlab.verify(sent, '!!').genuine, false);
});

test('an older GitLab says the secret itself (atk-01)', () => {
  const sent = fromGitLab('Push Hook', {}, secret);
  assert.deepEqual(gitlab.verify(sent, secret), { genuine: true });
  for (const token of [undefined, '', secret.slice(1), `${secret}x`]) {
    assert.equal(gitlab.verify({ ...sent, headers: { ...sent.headers, 'x-gitlab-token': token } }, secret).genuine, false);
  }
  assert.equal(gitlab.verify({ ...sent, headers: {} }, '').genuine, false);
});

test('the delivery of GitLab is told by what stays when it is sent again, not by the UUID that several share', () => {
  const sent = fromGitLab('Push Hook', {}, secret, 'idem');
  assert.equal(gitlab.delivery({ ...sent, headers: { ...sent.headers, 'x-gitlab-event-uuid': 'shared' } }), 'idem');
  assert.equal(gitlab.delivery({ ...sent, headers: { 'x-gitlab-event-uuid': 'shared' } }), undefined);
});

test('an event of GitLab that is none of ours is read as that', () => {
  const told = gitlab.read(fromGitLab('Pipeline Hook', { project: { id: 15 } }, secret));
  assert.deepEqual(told, { kind: 'read', repository: '15', event: { kind: 'other', what: 'an event "Pipeline Hook"' } });
});

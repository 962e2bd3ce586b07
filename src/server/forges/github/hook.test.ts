import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { allGitHubExamples, gitHubExamples } from '../testing/github-examples.ts';
import { fromGitHub } from '../testing/hook-request.ts';
import { github } from './hook.ts';

const secret = 'the secret';
const read = (event: string, payload: unknown) => github.read(fromGitHub(event, payload, secret));
const [branchPush] = gitHubExamples('push', ({ ref }) => ref === 'refs/heads/master');

test('every payload that was recorded of GitHub is read', () => {
  let count = 0;
  for (const { name, examples } of allGitHubExamples()) {
    for (const example of examples) {
      const told = read(name, example);
      assert.equal(told.kind, 'read', `${name}: ${JSON.stringify(told)}`);
      count++;
    }
  }
  assert.ok(count > 300, `only ${count}`);
});

test('a push of GitHub tells its commits, their paths and who by their number', () => {
  assert.deepEqual(read('push', branchPush), {
    kind: 'read',
    repository: '186853002',
    event: {
      kind: 'push',
      ref: 'refs/heads/master',
      commit: '6113728f27ae82c7b1a177c8d03f9e96e0adf246',
      commits: [{ id: '6113728f27ae82c7b1a177c8d03f9e96e0adf246', paths: ['README.md'] }],
      isWhole: true,
      by: 'Codertocat',
      actor: '21031067',
    },
  });
});

test('of a tag GitHub tells the commit, not the object of the tag', () => {
  const [push] = gitHubExamples('push', ({ ref, created }) => ref === 'refs/tags/simple-tag' && created);
  const tagObject = 'a'.repeat(40);
  const told = read('push', { ...push, after: tagObject, head_commit: { id: 'b'.repeat(40) } });
  assert.deepEqual(told.kind === 'read' && told.event, {
    kind: 'tag',
    ref: 'refs/tags/simple-tag',
    commit: 'b'.repeat(40),
    by: 'Codertocat',
    actor: '21031067',
  });
});

test('a branch or tag that GitHub deleted is no push', () => {
  const [deleted] = gitHubExamples('push', ({ deleted }) => deleted);
  const told = read('push', deleted);
  assert.deepEqual(told.kind === 'read' && told.event, { kind: 'ref-deleted', ref: 'refs/tags/simple-tag' });
});

test('pull requests of GitHub are opened, updated and closed, and other changes of them are not our business', () => {
  const actions = gitHubExamples('pull_request').map((payload) => {
    const told = read('pull_request', payload);
    assert.ok(told.kind === 'read');
    return [payload.action, told.event.kind === 'pull-request' ? told.event.action : told.event.kind] as const;
  });
  assert.deepEqual(
    Object.fromEntries(actions),
    Object.fromEntries(
      actions.map(([action]) => {
        const known: Record<string, string> = {
          opened: 'opened',
          reopened: 'opened',
          synchronize: 'updated',
          ready_for_review: 'updated',
          closed: 'closed',
        };
        return [action, known[action ?? ''] ?? 'other'];
      }),
    ),
  );
});

test('a pull request of GitHub whose head is elsewhere, or gone, is of a fork', () => {
  const [payload] = gitHubExamples('pull_request', ({ action }) => action === 'synchronize');
  const pull = payload?.pull_request;
  const forkOf = (repo: unknown) => {
    const told = read('pull_request', { ...payload, pull_request: { ...pull, head: { ...pull?.head, repo } } });
    assert.ok(told.kind === 'read' && told.event.kind === 'pull-request');
    return told.event.fork;
  };
  assert.equal(forkOf({ id: 186853002, full_name: 'eve/evil' }), false);
  assert.equal(forkOf({ id: 186853003, full_name: 'Codertocat/Hello-World', fork: false }), true);
  assert.equal(forkOf(null), true);
});

test('whose change a pull request of GitHub is: who opened it and who pushed, not who opened it again (atk-04)', () => {
  const [payload] = gitHubExamples('pull_request', ({ action }) => action === 'synchronize');
  const authorsOf = (action: string, user: unknown = { id: 51, login: 'Codertocat' }) => {
    const told = read('pull_request', {
      ...payload,
      action,
      sender: { id: 9, login: 'Codertocat' },
      pull_request: { ...payload?.pull_request, user },
    });
    return told.kind === 'read' && told.event.kind === 'pull-request' ? told.event.authors : undefined;
  };
  assert.deepEqual(authorsOf('opened'), ['51', '9']);
  assert.deepEqual(authorsOf('synchronize'), ['51', '9']);
  assert.deepEqual(authorsOf('reopened'), ['51']);
  assert.deepEqual(authorsOf('ready_for_review'), ['51']);
  assert.deepEqual(authorsOf('synchronize', null), ['9']);
});

test('GitHub tells of a repository that was renamed or deleted', () => {
  const [renamed] = gitHubExamples('repository', ({ action }) => action === 'renamed');
  assert.deepEqual(read('repository', renamed), {
    kind: 'read',
    repository: '186853261',
    event: { kind: 'repository-renamed', cloneUrl: renamed?.repository?.clone_url },
  });
  const deleted = read('repository', { ...renamed, action: 'deleted' });
  assert.deepEqual(deleted.kind === 'read' && deleted.event, { kind: 'repository-deleted' });
});

test('a hook of GitHub that sends forms is read too', () => {
  const body = Buffer.from(new URLSearchParams({ payload: JSON.stringify(branchPush) }).toString());
  const sent = fromGitHub('push', body, secret);
  const told = github.read({ ...sent, headers: { ...sent.headers, 'content-type': 'application/x-www-form-urlencoded' } });
  assert.ok(told.kind === 'read' && told.event.kind === 'push');
});

test('what GitHub did not sign with this secret is not genuine, whatever is missing or changed (atk-01)', () => {
  const sent = fromGitHub('push', branchPush, secret);
  const given = sent.headers['x-hub-signature-256'] ?? '';
  const withHeader = (value: string | undefined) =>
    github.verify({ ...sent, headers: { ...sent.headers, 'x-hub-signature-256': value } }, secret).genuine;
  assert.equal(withHeader(given), true);
  assert.equal(github.verify({ ...sent, body: Buffer.concat([sent.body, Buffer.from(' ')]) }, secret).genuine, false);
  assert.equal(github.verify(sent, 'another secret').genuine, false);
  const sha1 = `sha1=${createHmac('sha1', secret).update(sent.body).digest('hex')}`;
  for (const value of [undefined, '', 'sha256=', given.slice(7), given.slice(0, -1), `${given}0`, sha1, 'sha256=undefined']) {
    assert.equal(withHeader(value), false, String(value));
  }
});

test('what does not fit is told without anything of the payload (atk-07)', () => {
  const said = (payload: unknown) => {
    const told = read('push', payload);
    assert.ok(told.kind === 'unreadable', JSON.stringify(told));
    return told.reason;
  };
  assert.match(said({ ...branchPush, ref: 'refs/heads/a\nb$(id)' }), /^In the payload, ref: is no ref\.$/);
  assert.match(said({ ...branchPush, after: '--upload-pack=x' }), /^In the payload, after: is no hash of a commit\.$/);
  assert.match(said({ ...branchPush, repository: { id: '186853002', clone_url: 'x' } }), /repository\.id/);
  assert.match(said(Buffer.from('{"ref":')), /no JSON/);
  assert.match(said(null), /In the payload, all of it/);
  assert.match(said([]), /In the payload/);
  assert.equal(read('__proto__', {}).kind, 'read');
});

import assert from 'node:assert/strict';
import { after, before, beforeEach, afterEach, describe, it } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import type { TestDatabase } from '../../store/sql/testing/databases.ts';
import { gitHubExamples } from '../forges/testing/github-examples.ts';
import { caseOf, fromGitea, fromGitHub, fromGitLab, type Sent } from '../forges/testing/hook-request.ts';
import { boundTo, intakeDatabase, type IntakeServer, intakeServer } from './testing/intake-server.ts';
import { post } from './testing/post.ts';

const [pushed] = gitHubExamples('push', ({ ref }) => ref === 'refs/heads/master');
const repository = String(pushed?.repository?.id);
const commit = '6113728f27ae82c7b1a177c8d03f9e96e0adf246';
const path = '/hooks/github/ada/app';

describe('hooks', () => {
  let made: TestDatabase;
  let server: IntakeServer;
  let secret: string;
  before(async () => {
    made = await intakeDatabase();
  });
  after(() => made.close());
  beforeEach(async () => {
    await made.clear();
    server = await intakeServer(made);
    secret = server.secretOf(await server.addProject('ada/app', boundTo('github', repository)));
  });
  afterEach(() => server.close());

  const resultsOf = async (project = 'ada/app') => (await server.deliveries.list(project, 100)).map(({ result }) => result?.kind);

  it('nothing begins before a forge tells of a commit; then a run of that commit does (R-DCK-86, R-DCO-11)', async () => {
    server.start();
    assert.deepEqual(server.begun, []);
    const answer = await post(server.url, path, fromGitHub('push', pushed, secret, 'guid-1'));
    assert.deepEqual(answer, { status: 202, text: '{"delivery":"guid-1","known":false}' });
    await server.idle();
    assert.deepEqual(server.begun, [
      {
        project: 'ada/app',
        commit,
        ref: 'refs/heads/master',
        trigger: { kind: 'push', ref: 'refs/heads/master', by: 'Codertocat', actor: '21031067' },
        once: `push//${commit}`,
      },
    ]);
    assert.deepEqual((await server.deliveries.list('ada/app', 1))[0]?.result?.runs, ['run_1']);
  });

  it('begins runs for GitLab, for Gitea and for any git server as well (R-DCK-86)', async () => {
    server.start();
    await server.addProject('mike/diaspora', boundTo('gitlab', '15'));
    await server.addProject('gitea/webhooks', boundTo('gitea', '140'));
    await server.addProject('any/one');
    const sent: readonly (readonly [string, Sent])[] = [
      ['/hooks/gitlab/mike/diaspora', fromGitLab('Push Hook', caseOf('gitlab', 'push'), secret, 'a', systemClock.now())],
      ['/hooks/gitlab/mike/diaspora', fromGitLab('Tag Push Hook', caseOf('gitlab', 'tag'), secret, 'b')],
      ['/hooks/gitea/gitea/webhooks', fromGitea('push', caseOf('gitea', 'push'), secret)],
      ['/hooks/git/any/one', fromGit({ ref: 'refs/heads/main', new: commit, at: Math.floor(systemClock.now() / 1000) }, secret)],
    ];
    for (const [to, one] of sent) assert.equal((await post(server.url, to, one)).status, 202, to);
    await server.idle();
    assert.deepEqual(server.begun.map(({ project, trigger }) => `${project} ${trigger.kind}`).sort(), [
      'any/one push',
      'gitea/webhooks push',
      'mike/diaspora push',
      'mike/diaspora tag',
    ]);
  });

  it('a delivery that comes again, and another for the same commit, make no second run (R-CIO-32, R-DCK-88, atk-02)', async () => {
    server.start();
    const first = fromGitHub('push', pushed, secret, 'guid-1');
    await post(server.url, path, first);
    await server.idle();
    for (const again of [
      first,
      fromGitHub('push', pushed, secret, 'guid-2'),
      { ...first, headers: { ...first.headers, 'x-github-delivery': 'guid-3' } },
    ]) {
      const answer = await post(server.url, path, again);
      assert.equal(answer.status, 202);
      assert.match(answer.text, /"known":true/);
    }
    const otherBranch = { ...pushed, ref: 'refs/heads/also-here' };
    assert.match((await post(server.url, path, fromGitHub('push', otherBranch, secret, 'guid-4'))).text, /"known":false/);
    await server.idle();
    assert.equal(server.begun.length, 1);
    const [second] = await server.deliveries.list('ada/app', 1);
    assert.deepEqual([second?.result?.note, second?.result?.runs], ['It made 0 runs; for 1 there was one.', ['run_1']]);
  });

  it('what is not signed with the secret of this very project is refused, always in the same words, and noted (atk-01)', async () => {
    server.start();
    const others = server.secretOf(await server.addProject('eve/own', { ...boundTo('github', '5'), secret: 'a secret of eve' }));
    const good = fromGitHub('push', pushed, secret);
    const unsigned = { ...good, headers: { ...good.headers, 'x-hub-signature-256': '' } };
    const wrong: readonly (readonly [string, string, Sent])[] = [
      ['no signature', path, unsigned],
      ['a wrong one', path, fromGitHub('push', pushed, 'guessed')],
      ["another project's", path, fromGitHub('push', pushed, others)],
      ['another body', path, { ...good, body: Buffer.from('{}') }],
      ["another project's hook", '/hooks/github/eve/own', good],
      ['a project that is not there', '/hooks/github/no/where', good],
      ['another kind of forge', '/hooks/gitea/ada/app', fromGitea('push', pushed, secret)],
      [
        'any git server',
        '/hooks/git/ada/app',
        fromGit({ ref: 'refs/heads/main', new: commit, at: Math.floor(systemClock.now() / 1000) }, secret),
      ],
      ['a kind that is none', '/hooks/svn/ada/app', good],
      ['a name that is none', '/hooks/github/ada%00app', good],
      ['the sealed secret', path, fromGitHub('push', pushed, (await server.projects.get('ada/app'))?.webhookSecret ?? '')],
    ];
    const answers = new Set<string>();
    for (const [what, to, sent] of wrong) {
      const answer = await post(server.url, to, sent);
      assert.equal(answer.status, 401, what);
      answers.add(answer.text);
    }
    assert.equal(answers.size, 1);
    assert.equal(server.notes.length, wrong.length);
    for (const note of server.notes)
      assert.deepEqual([note.action, note.outcome, note.detail.address], ['webhook.refused', 'refused', '127.0.0.1']);
    assert.equal(JSON.stringify(server.notes).includes(secret), false);
    assert.deepEqual([await resultsOf(), await resultsOf('eve/own'), server.begun], [[], [], []]);
  });

  it('a flood of forged deliveries is no flood of the audit (atk-01)', async () => {
    await Promise.all(Array.from({ length: 80 }, () => post(server.url, path, fromGitHub('push', pushed, 'guessed'))));
    assert.ok(server.notes.length <= 120, `${server.notes.length}`);
    assert.ok(server.notes.some(({ detail }) => detail.more !== undefined));
  });

  it('what was signed minutes ago is refused, though its signature is right (atk-02)', async () => {
    await server.addProject('mike/diaspora', boundTo('gitlab', '15'));
    await server.addProject('any/one');
    for (const minutes of [-6, 6, -600]) {
      const at = systemClock.now() + minutes * 60_000;
      const old = fromGitLab('Push Hook', caseOf('gitlab', 'push'), secret, 'a', at);
      assert.equal((await post(server.url, '/hooks/gitlab/mike/diaspora', old)).status, 401);
      const call = fromGit({ ref: 'refs/heads/main', new: commit, at: Math.floor(at / 1000) }, secret);
      assert.equal((await post(server.url, '/hooks/git/any/one', call)).status, 401);
    }
    assert.equal(server.notes.length, 6);
    assert.deepEqual(await resultsOf('mike/diaspora'), []);
  });

  it('is answered only when it is kept: what comes before a server dies is worked on by the next one (R-DCO-11)', async () => {
    assert.equal((await post(server.url, path, fromGitHub('push', pushed, secret))).status, 202);
    await server.close();
    server = await intakeServer(made);
    server.start();
    await server.idle();
    assert.equal(server.begun.length, 1);
  });

  it('a body that is too large is not taken', async () => {
    const answer = await post(server.url, path, fromGitHub('push', Buffer.alloc(26 * 1024 * 1024, 32), secret));
    assert.equal(answer.status, 413);
    assert.deepEqual(await resultsOf(), []);
  });

  it('a payload about another repository makes no run, whatever else in it is right (atk-03)', async () => {
    server.start();
    const [id] = [Number(repository) + 1];
    await post(server.url, path, fromGitHub('push', { ...pushed, repository: { ...pushed?.repository, id } }, secret, 'd1'));
    const pull = gitHubExamples('pull_request', ({ action }) => action === 'opened')[0];
    await post(server.url, path, fromGitHub('pull_request', { ...pull, repository: { ...pull?.repository, id } }, secret, 'd2'));
    await server.idle();
    assert.deepEqual([server.begun, await resultsOf()], [[], ['refused', 'refused']]);
    assert.deepEqual(
      server.notes.map(({ action, project, outcome }) => [action, project, outcome]),
      [
        ['delivery.refused', 'ada/app', 'refused'],
        ['delivery.refused', 'ada/app', 'refused'],
      ],
    );
  });

  it('a payload with another address to clone from changes nothing about the project (atk-03)', async () => {
    server.start();
    const evil = { ...pushed?.repository, clone_url: 'https://evil.example/x.git', full_name: 'eve/evil' };
    await post(server.url, path, fromGitHub('push', { ...pushed, repository: evil }, secret, 'd1'));
    await post(server.url, path, fromGitHub('repository', { action: 'renamed', repository: evil }, secret, 'd2'));
    await server.idle();
    assert.equal((await server.projects.get('ada/app'))?.cloneUrl, 'https://forge.example/ada/app.git');
    assert.equal(server.begun[0]?.project, 'ada/app');
  });

  it('a repository that was renamed is followed at its own forge', async () => {
    server.start();
    const renamed = { ...pushed?.repository, clone_url: 'https://forge.example/ada/new-name.git' };
    await post(server.url, path, fromGitHub('repository', { action: 'renamed', repository: renamed }, secret, 'd1'));
    await post(server.url, path, fromGitHub('push', { ...pushed, repository: renamed }, secret, 'd2'));
    await server.idle();
    assert.equal((await server.projects.get('ada/app'))?.cloneUrl, 'https://forge.example/ada/new-name.git');
    assert.equal(server.begun.length, 1);
  });

  it('after a repository was deleted, who takes its name gets no run, with the old secret or a new one (atk-05)', async () => {
    server.start();
    await post(server.url, path, fromGitHub('repository', { action: 'deleted', repository: pushed?.repository }, secret, 'd1'));
    await server.idle();
    assert.ok((await server.projects.get('ada/app'))?.forge?.goneAt !== undefined);
    const retaken = { ...pushed, repository: { ...pushed?.repository, id: 7_000_000 } };
    for (const [payload, key] of [
      [pushed, secret],
      [retaken, secret],
      [retaken, 'what eve chose'],
    ] as const) {
      assert.equal((await post(server.url, path, fromGitHub('push', payload, key, 'd9'))).status, 401);
    }
    assert.deepEqual(server.begun, []);
  });

  it('names of refs, people and files are data, byte for byte, or are refused; nothing of them is run (atk-06, atk-07)', async () => {
    server.start();
    const evil = [
      '$(touch${IFS}x)',
      '`id`',
      'a\'b"c',
      'a;b&&c|d',
      '-x',
      '--upload-pack=x',
      '\u202egnp.exe',
      '\u2066x',
      'é',
      "';drop-table-run;--",
    ];
    const refused = ['a\nb', 'a b', '../../etc/passwd', 'x'.repeat(65_536), 'a..b', '\u0000', 'a\u001b[2J'];
    const by = '$(id)\n\u202e<script>';
    let n = 0;
    for (const name of [...evil, ...refused]) {
      const id = String(++n).padStart(40, '0').replace(/^0/, 'f');
      const commits = [{ id, message: '${{ secrets.X }} $(id)', added: ['$(id)', 'a\nb'], removed: [], modified: [] }];
      const payload = { ...pushed, ref: `refs/heads/${name}`, after: id, head_commit: { id }, commits, sender: { id: 1, login: by } };
      assert.equal((await post(server.url, path, fromGitHub('push', payload, secret, `d${n}`))).status, 202);
    }
    await server.idle();
    assert.deepEqual(
      server.begun.map(({ ref }) => ref),
      evil.map((name) => `refs/heads/${name}`),
    );
    assert.deepEqual(new Set(server.begun.map(({ trigger }) => trigger.by)), new Set([by]));
    const results = (await server.deliveries.list('ada/app', 100)).map(({ result }) => result);
    assert.equal(results.filter((result) => result?.kind === 'refused').length, refused.length);
    for (const result of results) assert.doesNotMatch(result?.note ?? '', /passwd|xxx|id\)|\u001b/);
  });

  it('who is trusted is told by a number of the forge, whatever names and addresses a commit has (atk-04)', async () => {
    server.start();
    const forged = {
      ...pushed,
      sender: { id: 666, login: 'Codertocat' },
      pusher: { name: 'Codertocat', email: 'ada@example.org' },
      head_commit: { id: commit, author: { name: 'Ada', email: 'ada@example.org', username: 'ada', id: 21_031_067 } },
    };
    await post(server.url, path, fromGitHub('push', forged, secret));
    await server.idle();
    const trigger = server.begun[0]?.trigger;
    assert.equal(trigger?.kind === 'push' && trigger.actor, '666');
  });
});

const fromGit = (fields: object, secret: string): Sent => ({
  headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
  body: Buffer.from(JSON.stringify(fields)),
});

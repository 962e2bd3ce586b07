import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'kysely';
import { virtualClock } from '../../lib/virtual-clock.ts';
import type { TestDatabase } from '../../store/sql/testing/databases.ts';
import { gitHubExamples } from '../forges/testing/github-examples.ts';
import { fromGitHub } from '../forges/testing/hook-request.ts';
import { boundTo, intakeDatabase, type IntakeServer, intakeServer } from './testing/intake-server.ts';
import { post } from './testing/post.ts';

const [pushed] = gitHubExamples('push', ({ ref }) => ref === 'refs/heads/master');
const hashOf = (n: number): string => `f${n.toString(16).padStart(39, '0')}`;
const pushOf = (repository: number, n: number, more: object = {}) => ({
  ...pushed,
  after: hashOf(n),
  head_commit: { id: hashOf(n) },
  commits: [{ id: hashOf(n), added: ['a'], removed: [], modified: [] }],
  repository: { ...pushed?.repository, id: repository },
  ...more,
});

describe('deliveries', () => {
  let made: TestDatabase;
  let server: IntakeServer;
  let secret: string;
  const clock = virtualClock({ startAt: 1_800_000_000_000 });
  before(async () => {
    made = await intakeDatabase();
  });
  after(() => made.close());
  beforeEach(async () => {
    await made.clear();
    server = await intakeServer(made, { clock });
    secret = server.secretOf(await server.addProject('ada/app', boundTo('github', '1')));
    await server.addProject('bob/app', boundTo('github', '2'));
  });
  afterEach(() => server.close());

  const send = async (project: string, payload: unknown, id: string, event = 'push') => {
    assert.equal((await post(server.url, `/hooks/github/${project}`, fromGitHub(event, payload, secret, id))).status, 202);
  };
  const keep = (project: string, payload: unknown, id: string, event = 'push') =>
    server.deliveries.add({
      project,
      id,
      digest: id,
      headers: { 'x-github-event': event },
      body: Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload)),
      at: clock.now(),
    });
  const resultsOf = async (project: string) =>
    Object.fromEntries((await server.deliveries.list(project, 100)).map(({ id, result }) => [id, result?.kind]));

  it('of one project go in the order in which they came', async () => {
    for (let n = 1; n <= 20; n++) await keep('ada/app', pushOf(1, n), `d${n}`);
    server.start();
    await server.idle();
    assert.deepEqual(
      server.begun.map((run) => run.commit),
      Array.from({ length: 20 }, (_, i) => hashOf(i + 1)),
    );
  });

  it('a flood of one project delays no other: 1,500 are waiting and stuck, and a push elsewhere becomes a run (atk-08)', async () => {
    await keep('ada/app', pushOf(1, 1), 'flood');
    await sql`insert into delivery (project, id, digest, headers, body, at, due_at)
      select project, 'flood ' || n, n::text, headers, body, at, due_at from delivery, generate_series(2, 1500) n`.execute(
      made.database.sql,
    );
    const stuck = Promise.withResolvers<void>();
    const { begin } = server;
    server.begin = async (request) => {
      if (request.project === 'ada/app') await stuck.promise;
      return begin(request);
    };
    server.start();
    await send('bob/app', pushOf(2, 7), 'mine');
    await server.begunCount(1);
    assert.deepEqual([server.begun[0]?.project, server.begun[0]?.commit], ['bob/app', hashOf(7)]);
    await server.deliveries.list('ada/app', 2000).then((all) => assert.ok(all.every(({ result }) => result === undefined)));
    for (const { name } of await server.projects.list()) if (name === 'ada/app') await server.projects.remove(name);
    stuck.resolve();
  });

  it('of many pushes at once, over HTTP, none is lost, and others come in between (atk-08)', async () => {
    server.start();
    const flood = Array.from({ length: 200 }, (_, i) => i + 1);
    const sends = Array.from({ length: 8 }, async () => {
      for (let n = flood.shift(); n !== undefined; n = flood.shift()) await send('ada/app', pushOf(1, n), `flood ${n}`);
    });
    await server.begunCount(20);
    await send('bob/app', pushOf(2, 7), 'mine');
    await server.begunCount(server.begun.length + 40);
    assert.ok(server.begun.some(({ project }) => project === 'bob/app'));
    await Promise.all(sends);
    await server.begunCount(201);
    assert.equal(new Set(server.begun.map(({ project, commit }) => `${project} ${commit}`)).size, 201);
  });

  it('one that cannot be read is refused, recorded, and holds up nobody', async () => {
    const deep = Buffer.from(`{"ref":${'['.repeat(100_000)}`);
    await keep('ada/app', Buffer.from('{"ref":'), 'cut');
    await keep('ada/app', deep, 'deep');
    await keep('ada/app', Buffer.from('null'), 'null');
    await keep('ada/app', Buffer.from([0xff, 0xfe, 0x00]), 'binary');
    await keep('ada/app', pushOf(1, 1, { after: 'x' }), 'no hash');
    await keep('ada/app', { ...pushOf(1, 1), __proto__: { ref: 1 }, constructor: 7 }, 'odd');
    await keep('ada/app', pushOf(1, 2), 'good');
    server.start();
    await server.idle();
    const bad = { cut: 'refused', deep: 'refused', null: 'refused', binary: 'refused', 'no hash': 'refused' };
    assert.deepEqual(await resultsOf('ada/app'), { ...bad, odd: 'done', good: 'done' });
    assert.equal(server.notes.filter(({ action }) => action === 'delivery.refused').length, 5);
    assert.deepEqual(server.warnings, []);
  });

  it('one that fails on our side is tried again later, while others of its project go on', async () => {
    let failures = 0;
    const { begin } = server;
    server.begin = async (request) => {
      if (request.commit === hashOf(1) && failures++ < 3) throw new Error('the store is away');
      return begin(request);
    };
    await keep('ada/app', pushOf(1, 1), 'fails');
    await keep('ada/app', pushOf(1, 2), 'good');
    server.start();
    await server.begunCount(1);
    assert.equal(server.begun[0]?.commit, hashOf(2));
    const ended = server.begunCount(2);
    while (server.begun.length < 2) await clock.advance(1000);
    await ended;
    await server.idle();
    assert.deepEqual(await resultsOf('ada/app'), { fails: 'done', good: 'done' });
    assert.equal(server.warnings.length, 3);
    assert.equal((await server.deliveries.list('ada/app', 9)).find(({ id }) => id === 'fails')?.tries, 4);
  });

  it('one that always fails is given up, is told of, and may be sent again by the forge', async () => {
    const { begin } = server;
    server.begin = () => Promise.reject(new Error('no'));
    await keep('ada/app', pushOf(1, 1), 'fails');
    server.start();
    const idle = server.idle().then(() => 'idle');
    while ((await Promise.race([idle, clock.advance(60_000)])) !== 'idle') continue;
    assert.deepEqual(await resultsOf('ada/app'), { fails: 'given-up' });
    server.begin = begin;
    assert.equal(await keep('ada/app', pushOf(1, 1), 'fails'), true);
    const begun = server.begunCount(1).then(() => 'begun');
    while ((await Promise.race([begun, clock.advance(1000)])) !== 'begun') continue;
    await server.idle();
    assert.deepEqual(await resultsOf('ada/app'), { fails: 'done' });
  });

  it('a push of three commits makes a run each, or one of the newest, as the project chose (R-CIO-32)', async () => {
    await server.projects.change('bob/app', (project) => ({ ...project, settings: { ...project.settings, commits: 'all' } }));
    const commits = [1, 2, 3].map((n) => ({ id: hashOf(n), added: [], removed: [], modified: ['a'] }));
    await keep('ada/app', pushOf(1, 3, { commits }), 'newest');
    await keep('bob/app', pushOf(2, 3, { commits }), 'all');
    await keep('bob/app', pushOf(2, 3, { commits, ref: 'refs/heads/other' }), 'all again');
    server.start();
    await server.idle();
    const of = (name: string) => server.begun.filter(({ project }) => project === name).map(({ commit }) => commit);
    assert.deepEqual(of('ada/app'), [hashOf(3)]);
    assert.deepEqual(of('bob/app'), [hashOf(1), hashOf(2), hashOf(3)]);
  });

  it('the run of a fork says that it is one, and takes no name of a run that is trusted', async () => {
    const [opened] = gitHubExamples('pull_request', ({ action }) => action === 'opened');
    const pull = opened?.pull_request as { readonly head: object; readonly base: object };
    const payload = (head: number) => ({
      ...opened,
      repository: { ...opened?.repository, id: 1 },
      pull_request: {
        ...pull,
        draft: false,
        head: { ...pull.head, sha: hashOf(1), repo: { id: head } },
        base: { ...pull.base, repo: { id: 1 } },
      },
    });
    await keep('ada/app', payload(666), 'fork', 'pull_request');
    await keep('ada/app', payload(1), 'own', 'pull_request');
    await keep('ada/app', pushOf(1, 1), 'push');
    server.start();
    await server.idle();
    assert.deepEqual(
      server.begun.map(({ once, trigger }) => [once, trigger.kind === 'pull-request' && trigger.fork]),
      [
        [`pull-request//${hashOf(1)}`, true],
        [`push//${hashOf(1)}`, false],
      ],
    );
  });
});

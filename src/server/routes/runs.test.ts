import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { paths } from '../../api/paths.ts';
import { failed, gateOf, passed, planOf, preparing, stageOf, startedNow } from '../dispatch/testing/served.ts';
import { ask } from '../testing/requests.ts';
import { type RunServer, runServer } from '../testing/run-server.ts';
import { testProject } from '../testing/test-server.ts';

describe('what runs are, over HTTP', () => {
  let server: RunServer;
  before(async () => {
    server = await runServer({ why: async (_state, node) => [`${node} waits for build`] });
  });
  after(() => server.close());

  it('lists all items of all projects as one queue, those of others as a number (R-CIO-03)', async () => {
    await server.runs.plan(planOf([stageOf('build'), stageOf('lint')]));
    await server.runs.plan({ ...planOf([stageOf('build')]), pipeline: 'dockercise' }, { project: 'acme/other' });
    await server.runs.plan(planOf([stageOf('build')]), { project: 'secret/thing' });
    const queue = await server.as('account:ada').queue();
    assert.deepEqual(
      queue.items.map(({ project, pipeline, stage, attempt }) => [project, pipeline, stage, attempt]),
      [
        ['acme/app', 'cion', 'build', 1],
        ['acme/other', 'dockercise', 'build', 1],
        ['acme/app', 'cion', 'lint', 1],
      ],
    );
    assert.equal(queue.hidden, 1);
    const [claimed] = await server.runs.claim('w1', { slots: 1 });
    const [first] = (await server.as('account:ada').queue()).items;
    assert.equal(first?.id, claimed?.lease.item);
    assert.equal(first?.claim?.worker, 'w1');
    assert.ok(!JSON.stringify(first).includes('token'), 'the fencing token is nobody’s business');
    for (const each of [claimed, ...(await server.runs.claim())]) if (each) await server.carry(each, passed(each));
    assert.deepEqual(await server.as('account:ada').queue(), { items: [], hidden: 0 });
  });

  it('shows each stage’s phase, outcome, start and end while the run goes on (R-CIO-16)', async () => {
    const run = await server.runs.plan(
      planOf([stageOf('build'), stageOf('test', ['build']), stageOf('release', ['test']), gateOf('go', ['build'])]),
    );
    const number = (await server.runs.state(run))?.number ?? 0;
    const client = server.as('account:ada');
    const seen = async () =>
      Object.fromEntries((await client.run('acme/app', number)).nodes.map(({ name, phase, outcome }) => [name, outcome ?? phase]));
    assert.deepEqual(await seen(), { build: 'queued', test: 'waiting', release: 'waiting', go: 'waiting' });
    const [build] = await server.runs.claim();
    assert.ok(build);
    await server.runs.tell(build, 1, [preparing(build), startedNow(build)]);
    assert.deepEqual(await seen(), { build: 'running', test: 'waiting', release: 'waiting', go: 'waiting' });
    await server.runs.tell(build, 2, [passed(build)]);
    const [test] = await server.runs.claim();
    assert.ok(test);
    await server.runs.tell(test, 1, [preparing(test), startedNow(test), failed(test)]);
    assert.deepEqual(await seen(), { build: 'passed', test: 'failed', release: 'skipped', go: 'running' });
    const document = await client.run('acme/app', number);
    const [attempt] = document.nodes[0]?.kind === 'stage' ? document.nodes[0].attempts : [];
    assert.deepEqual([attempt?.worker, attempt?.outcome], ['w1', 'passed']);
    assert.ok(attempt?.startedAt !== undefined && attempt.finishedAt !== undefined && attempt.finishedAt >= attempt.startedAt);
    assert.deepEqual([document.pipeline, document.fetch.source?.commit, document.trigger.by], ['cion', 'c0ffee', 'eve']);
    assert.deepEqual(
      document.plan?.nodes.map(({ name }) => name),
      ['build', 'test', 'release', 'go'],
    );
    assert.ok(!JSON.stringify({ ...document, plan: undefined }).includes('5'.repeat(64)), 'digests of trees are keys to their files');
  });

  it('tells which builds of a branch were successful, newest first, page by page (R-CIO-17)', async () => {
    const own = await runServer();
    const began = async (branch: string, outcome: 'passed' | 'failed'): Promise<void> => {
      const { run } = await own.runs.dispatcher.create({ project: 'acme/app', pipeline: 'cion', trigger: { kind: 'manual', by: 'eve' } });
      await own.runs.dispatcher.report(run, () => [
        { kind: 'fetch.started' },
        { kind: 'fetch.finished', source: { commit: 'c0ffee', branch, changedFiles: 0, files: 1, bytes: 1 } },
        { kind: 'run.planned', plan: planOf([stageOf('build')]), digest: 'sha256:1' },
      ]);
      const [build] = await own.runs.claim();
      assert.ok(build);
      await own.carry(build, outcome === 'passed' ? passed(build) : failed(build));
    };
    const branches = ['main', 'feature/a/b', 'main', 'feature/a/b', 'main', 'main'];
    const outcomes = ['passed', 'passed', 'failed', 'failed', 'passed', 'passed'] as const;
    for (const [i, branch] of branches.entries()) await began(branch, outcomes[i] ?? 'passed');
    const client = own.as('account:ada');
    const numbers = async (query: Parameters<typeof client.runs>[1]) =>
      (await client.runs('acme/app', query)).runs.map(({ number }) => number);
    assert.deepEqual(await numbers({}), [6, 5, 4, 3, 2, 1]);
    assert.deepEqual(await numbers({ branch: 'main', outcome: 'passed' }), [6, 5, 1]);
    assert.deepEqual(await numbers({ branch: 'feature/a/b', outcome: 'passed' }), [2]);
    assert.deepEqual(await numbers({ branch: 'feature/a' }), []);
    assert.deepEqual(await numbers({ finished: 'false' }), []);
    const paged: number[] = [];
    let before: string | undefined;
    do {
      const page = await client.runs('acme/app', { limit: 4, ...(before === undefined ? {} : { before }) });
      paged.push(...page.runs.map(({ number }) => number));
      before = page.next;
    } while (before !== undefined);
    assert.deepEqual(paged, [6, 5, 4, 3, 2, 1]);
    await own.close();
  });

  it('lists owners and projects, runs newest first, one run, its events and its log as text; what is unknown is 404 (R-CIO-55)', async () => {
    const run = await server.runs.plan(planOf([stageOf('build'), stageOf('Bau größer 🚀')]));
    const number = (await server.runs.state(run))?.number ?? 0;
    for (const claimed of await server.runs.claim()) {
      await server.runs.tell(claimed, 1, [preparing(claimed), startedNow(claimed), passed(claimed)]);
    }
    const writer = await server.results.begin({ run, stage: 'build', attempt: 1 }, 1000);
    await writer.append({ stream: 'stdout', bytes: Buffer.from('größe <b>&\x1b[31m\r\n'), at: 1 });
    await writer.append({ stream: 'stderr', bytes: Buffer.from([0xff, 0x00]), at: 2 });
    await writer.close();
    const client = server.as('account:ada');
    assert.deepEqual(await client.owners(), ['acme']);
    assert.deepEqual(
      (await client.projects({ owner: 'acme' })).map(({ name }) => name),
      ['acme/app', 'acme/other'],
    );
    assert.deepEqual(await client.projects({ owner: 'nobody' }), []);
    assert.equal((await client.project('acme/app')).defaultBranch, 'main');
    assert.equal((await client.runs('acme/app', { limit: 1 })).runs[0]?.number, number);
    assert.deepEqual(
      (await client.events('acme/app', number, 2)).map(({ seq }) => seq),
      (await server.runs.events(run)).slice(2).map(({ seq }) => seq),
    );
    assert.deepEqual(await client.why('acme/app', number, 'build'), ['build waits for build']);

    const log = await ask(server.url, paths.log('acme/app', number, 'build'), { as: 'account:ada' });
    assert.equal(log.headers['content-type'], 'text/plain; charset=utf-8');
    assert.equal(log.headers['x-content-type-options'], 'nosniff');
    const whole = Buffer.from(await (await client.log('acme/app', number, 'build')).arrayBuffer());
    assert.deepEqual(whole, Buffer.concat([Buffer.from('größe <b>&\x1b[31m\r\n'), Buffer.from([0xff, 0x00])]));
    assert.deepEqual(Buffer.from(await (await client.log('acme/app', number, 'build', { from: 3 })).arrayBuffer()), whole.subarray(3));
    assert.equal(await (await client.log('acme/app', number, 'Bau größer 🚀')).text(), '');

    const unknown = [
      ['/api/nothing', 'NOT_FOUND'],
      ['/api/projects/acme', 'NOT_FOUND'],
      [paths.project('acme/none'), 'PROJECT_UNKNOWN'],
      [paths.runs('acme/none'), 'PROJECT_UNKNOWN'],
      [paths.run('acme/app', 9999), 'RUN_UNKNOWN'],
      [paths.events('acme/app', 9999), 'RUN_UNKNOWN'],
      [paths.eventStream('acme/app', 9999), 'RUN_UNKNOWN'],
      [paths.log('acme/app', number, 'none'), 'STAGE_UNKNOWN'],
      [`${paths.log('acme/app', number, 'build')}?attempt=2`, 'ATTEMPT_UNKNOWN'],
      [paths.logStream('acme/app', number, '__proto__'), 'STAGE_UNKNOWN'],
      [paths.artifacts('acme/app', number, 'build'), 'FILES_NONE'],
      [paths.artifacts('acme/app', number, 'constructor'), 'STAGE_UNKNOWN'],
      [paths.why('acme/app', number, 'none'), 'STAGE_UNKNOWN'],
      [paths.environment('acme/app', 'mars'), 'ENVIRONMENT_UNKNOWN'],
      [`${paths.runs('acme/app')}/%ff`, 'REQUEST_INVALID'],
    ] as const;
    for (const [path, code] of unknown) {
      const answer = await ask(server.url, path, { as: 'account:ada' });
      const body = answer.json();
      assert.deepEqual([answer.status, body['code']], [code === 'REQUEST_INVALID' ? 400 : 404, code], `${path} ${answer.text}`);
      assert.ok(typeof body['message'] === 'string' && Object.keys(body).every((key) => ['code', 'message', 'hint'].includes(key)));
    }
    for (const path of [`${paths.runs('acme/app')}/one`, `${paths.runs('acme/app')}?limit=0`, `${paths.runs('acme/app')}?outcome=green`]) {
      const answer = await ask(server.url, path, { as: 'account:ada' });
      assert.deepEqual([answer.status, answer.json()['code']], [400, 'REQUEST_INVALID'], answer.text);
    }
  });

  it('answers what somebody may not see exactly as what is not there (atk-64)', async () => {
    const server = await runServer();
    await server.runs.plan(planOf([stageOf('build')]), { project: 'secret/thing' });
    const claimed = (await server.runs.claim())[0];
    assert.ok(claimed);
    await server.carry(claimed, passed(claimed), 'secret log');
    server.projects.set('secret/thing', testProject('secret/thing'));
    const below = (project: string) => [
      paths.project(project),
      paths.runs(project),
      paths.run(project, 1),
      paths.events(project, 1),
      paths.eventStream(project, 1),
      paths.log(project, 1, 'build'),
      paths.logStream(project, 1, 'build'),
      paths.artifacts(project, 1, 'build'),
      paths.file(project, 1, 'build') + '?path=a',
      paths.why(project, 1, 'build'),
      paths.deployments(project),
      paths.environments(project),
      paths.environment(project, 'live'),
    ];
    for (const as of [undefined, 'account:ada', 'worker:w1']) {
      for (const [i, path] of below('secret/thing').entries()) {
        const who = as === undefined ? {} : { as };
        const [hidden, absent] = [await ask(server.url, path, who), await ask(server.url, below('secret/other')[i] ?? '', who)];
        assert.deepEqual([hidden.status, hidden.text.replaceAll('thing', 'other')], [404, absent.text], `${as} ${path}`);
      }
    }
    assert.equal((await ask(server.url, paths.log('secret/thing', 1, 'build'), { as: 'admin:root' })).text, 'secret log');
    assert.ok(!(await server.as('account:ada').projects()).some(({ name }) => name.startsWith('secret')));
    server.guard.public.add('secret/thing');
    assert.equal((await ask(server.url, paths.log('secret/thing', 1, 'build'))).text, 'secret log');
    await server.close();
  });
});

describe('what was deployed', () => {
  let server: RunServer;
  before(async () => {
    server = await runServer();
  });
  after(() => server.close());

  const deploy = async (commit: string, environment: string, digest: string): Promise<void> => {
    const plan = planOf([stageOf(`to-${environment}`, [], { deploys: { environment } })]);
    const { run } = await server.runs.dispatcher.create({ project: 'acme/app', pipeline: 'cion', trigger: { kind: 'manual', by: 'eve' } });
    await server.runs.dispatcher.report(run, () => [
      { kind: 'fetch.started' },
      { kind: 'fetch.finished', source: { commit, changedFiles: 0, files: 1, bytes: 1 } },
      { kind: 'run.planned', plan, digest: 'sha256:1' },
    ]);
    const [claimed] = await server.runs.claim();
    assert.ok(claimed);
    const { stage } = claimed.work;
    await server.runs.tell(claimed, 1, [
      preparing(claimed),
      { kind: 'image.resolved', stage: stage.name, attempt: 1, reference: 'deployer:1', digest, pulled: false },
      startedNow(claimed),
      passed(claimed),
    ]);
    await server.runs.clock.advance(60_000);
  };

  it('says what was deployed where by which run, what is there now, and how two environments differ (R-CIO-18)', async () => {
    await deploy('a'.repeat(40), 'staging', 'sha256:1');
    await deploy('a'.repeat(40), 'live', 'sha256:1');
    await deploy('b'.repeat(40), 'staging', 'sha256:2');
    const client = server.as('account:eve');
    const all = await client.deployments('acme/app');
    assert.deepEqual(
      all.map(({ environment, commit, image, number, stage }) => [environment, commit?.[0], image, number, stage]),
      [
        ['staging', 'b', { reference: 'deployer:1', digest: 'sha256:2' }, 3, 'to-staging'],
        ['live', 'a', { reference: 'deployer:1', digest: 'sha256:1' }, 2, 'to-live'],
        ['staging', 'a', { reference: 'deployer:1', digest: 'sha256:1' }, 1, 'to-staging'],
      ],
    );
    assert.ok(all.every(({ at }, i) => at > 0 && at <= (all[i - 1]?.at ?? at)));
    assert.equal((await client.deployments('acme/app', { environment: 'live' })).length, 1);
    const staging = await client.environment('acme/app', 'staging');
    assert.deepEqual([staging.now.commit?.[0], staging.now.number, staging.parts.length], ['b', 3, 1]);
    assert.deepEqual(
      (await client.environments('acme/app')).map(({ environment }) => environment),
      ['staging', 'live'],
    );
    const difference = await client.difference('acme/app', 'staging', 'live');
    assert.deepEqual([difference.from.commit?.[0], difference.to.commit?.[0], difference.differs], ['b', 'a', ['commit', 'image']]);
    await deploy('b'.repeat(40), 'live', 'sha256:2');
    assert.deepEqual((await client.difference('acme/app', 'staging', 'live')).differs, []);
  });
});

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { paths } from '../src/api/paths.ts';
import { cion } from './cli.ts';
import { git } from './repository.ts';
import { type GitProject, type ServerProcess, startServer } from './server-process.ts';

const stages = (live: boolean): string => `stages:
  build: { image: busybox, run: 'cat text; cat text > "$ARTIFACTS_DIR/text"' }
  to-staging: { image: busybox, needs: build, run: cat /cion/inputs/build/text, deploys: staging }
${live ? '  to-live: { image: busybox, needs: [build, to-staging], run: cat /cion/inputs/build/text, deploys: live }\n' : ''}`;

describe('a server that a git repository tells of its commits', { timeout: 240_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startServer();
  });
  after(() => server.close());

  const outcomes = async (project: string, number: number): Promise<Readonly<Record<string, string>>> =>
    Object.fromEntries((await server.ended(project, number)).nodes.map(({ name, outcome }) => [name, outcome ?? '']));

  it('carries a push to its deployments: what was successful, what was deployed where, what is there now and how they differ (R-CIO-17, R-CIO-18, R-DCK-86)', async () => {
    const app = await server.project('acme/app', { '.cion.yml': stages(true), text: 'one\n' });
    const first = git(app.work, 'rev-parse', 'HEAD');
    await app.push('main');
    await server.begun('acme/app', 1);
    assert.deepEqual(await outcomes('acme/app', 1), { build: 'passed', 'to-staging': 'passed', 'to-live': 'passed' });
    assert.equal(await server.text('acme/app', 1, 'to-live'), 'one\n');
    const second = app.commit({ '.cion.yml': stages(false), text: 'two\n' });
    await app.push('main');
    await server.begun('acme/app', 2);
    assert.deepEqual(await outcomes('acme/app', 2), { build: 'passed', 'to-staging': 'passed' });
    app.commit({ '.cion.yml': stages(true).replace('cat text;', 'exit 3;') });
    await app.push('main', 'main:refs/heads/a/b');
    await server.begun('acme/app', 3);
    assert.deepEqual(await outcomes('acme/app', 3), { build: 'failed', 'to-staging': 'skipped', 'to-live': 'skipped' });

    const { client } = server;
    const { runs } = await client.runs('acme/app', { branch: 'main', outcome: 'passed' });
    assert.deepEqual(
      runs.map(({ number, commit, trigger }) => [number, commit, trigger.kind, trigger.by]),
      [
        [2, second, 'push', 'ada'],
        [1, first, 'push', 'ada'],
      ],
    );
    const deployments = await client.deployments('acme/app');
    assert.deepEqual(
      deployments.map(({ environment, commit, number, stage, image }) => [environment, commit, number, stage, image.reference]),
      [
        ['staging', second, 2, 'to-staging', 'busybox:latest'],
        ['live', first, 1, 'to-live', 'busybox:latest'],
        ['staging', first, 1, 'to-staging', 'busybox:latest'],
      ],
    );
    for (const { image, at } of deployments) {
      assert.match(image.digest, /^sha256:[0-9a-f]{64}$/);
      assert.ok(Math.abs(at - Date.now()) < 600_000);
    }
    assert.equal((await client.environment('acme/app', 'staging')).now.commit, second);
    assert.equal((await client.environment('acme/app', 'live')).now.commit, first);
    assert.deepEqual((await client.difference('acme/app', 'live', 'staging')).differs, ['commit']);
  });

  it('does nothing before the hook, then merges the *.dockercise.yaml of three depths to one graph, for a public project that anybody sees (R-DCO-02, R-DCO-08, R-DCO-09, R-DCO-10, R-DCO-11)', async () => {
    const merged = await server.project('acme/merged', {
      'top.dockercise.yaml': 'one: { img: busybox, run: echo one }\n',
      'a/mid.dockercise.yaml': "two: { img: busybox, run: 'cat out/one; echo two' }\n",
      'a/b/c/deep.dockercise.yaml': "three: { img: busybox, run: 'cat {two}; echo three', deploys: web }\n",
    });
    await server.asked('PATCH', `${paths.project('acme/merged')}/settings`, { visibility: 'public' });
    const anonymous = await fetch(new URL(paths.runs('acme/merged'), server.url));
    assert.deepEqual([anonymous.status, await anonymous.json()], [200, { runs: [] }]);
    await merged.push('main');
    await server.begun('acme/merged', 1);
    assert.deepEqual(await outcomes('acme/merged', 1), { two: 'passed', three: 'passed', one: 'passed' });
    const { plan } = await server.client.run('acme/merged', 1);
    assert.deepEqual(
      Object.fromEntries((plan?.nodes ?? []).map(({ name, needs, range }) => [name, [range?.file, ...needs.map(({ node }) => node)]])),
      { one: ['top.dockercise.yaml'], two: ['a/mid.dockercise.yaml', 'one'], three: ['a/b/c/deep.dockercise.yaml', 'two'] },
    );
    const log = await fetch(new URL(paths.log('acme/merged', 1, 'three'), server.url));
    assert.equal(await log.text(), 'one\ntwo\nthree\n');
  });

  it('shows the state of every step while it runs: waiting, running, passed, failed, skipped, with times (R-CIO-16)', async () => {
    const app = await server.project('acme/steps', {
      '.cion.yml': `stages:
  one: { image: busybox, run: echo one }
  two: { image: busybox, needs: one, run: 'trap "exit 143" TERM; while :; do sleep 0.1; done', timeout: 3s }
  three: { image: busybox, needs: two, run: echo three }
`,
    });
    await app.push('main');
    await server.begun('acme/steps', 1);
    await server.until('acme/steps', 1, (event) => event.kind === 'stage.started' && event.stage === 'two');
    const now = async () =>
      Object.fromEntries((await server.client.run('acme/steps', 1)).nodes.map(({ name, phase, outcome }) => [name, outcome ?? phase]));
    assert.deepEqual(await now(), { one: 'passed', two: 'running', three: 'waiting' });
    const { nodes } = await server.ended('acme/steps', 1);
    assert.deepEqual(await now(), { one: 'passed', two: 'failed', three: 'skipped' });
    for (const node of nodes) {
      if (node.kind !== 'stage' || node.name === 'three') continue;
      const [attempt] = node.attempts;
      assert.ok(attempt?.startedAt !== undefined && attempt.finishedAt !== undefined && attempt.startedAt <= attempt.finishedAt);
    }
  });

  it('ends a run of a branch that is gone, of a commit that never was and of a text that is none within seconds, with the reason (R-CIO-19)', async () => {
    const app = await server.project('acme/gone', { '.cion.yml': 'build: { image: busybox, cmd: "true" }\n' });
    await app.push('main');
    await server.begun('acme/gone', 1);
    await server.ended('acme/gone', 1);
    app.commit({ '.cion.yml': 'build: [what\n' });
    await app.push('main:refs/heads/wrong');
    await server.begun('acme/gone', 2);
    await assert.rejects(server.client.begin('acme/gone', { branch: 'is/gone' }), { code: 'SOURCE_REF_GONE', message: /is\/gone/ });
    const branch = await server.client.begin('acme/gone', { branch: 'is/gone', commit: git(app.work, 'rev-parse', 'HEAD') });
    const nothing = await server.client.begin('acme/gone', { commit: 'e'.repeat(40) });
    for (const [number, outcome, reason] of [
      [2, 'failed', /\.cion\.yml/],
      [branch.number, 'failed', /is\/gone/],
      [nothing.number, 'failed', /e{12}/],
    ] as const) {
      const { outcome: end, fetch, createdAt, finishedAt } = await server.ended('acme/gone', number);
      assert.equal(end, outcome);
      assert.match(`${fetch.message} ${JSON.stringify(fetch.problems)}`, reason);
      assert.ok((finishedAt ?? Number.POSITIVE_INFINITY) - createdAt < 20_000);
    }
  });

  it('makes one run of a commit however often it is told, one of each of three pushes, and a re-run is attempt 2 of the same run (R-CIO-32, R-CIO-33)', async () => {
    const app: GitProject = await server.project('acme/once', { '.cion.yml': 'build: { image: busybox, cmd: "true" }\n' });
    await app.push('main');
    const first = git(app.work, 'rev-parse', 'HEAD');
    const trigger = (commit: string) =>
      cion(['trigger', app.hook.url, '--ref', 'refs/heads/main', '--commit', commit], {
        cwd: app.bare,
        env: { CION_HOOK_SECRET: app.hook.secret },
      });
    assert.equal((await trigger(first)).code, 0);
    const commits = [1, 2, 3].map((n) => app.commit({ n: String(n) }));
    for (const commit of commits) await app.push(`${commit}:refs/heads/main`);
    await server.begun('acme/once', 4);
    for (const number of [1, 2, 3, 4]) await server.ended('acme/once', number);
    assert.deepEqual(
      (await server.client.runs('acme/once')).runs.map(({ number, commit }) => [number, commit]),
      [...commits.toReversed(), first].map((commit, i) => [4 - i, commit]),
    );
    assert.deepEqual(await server.client.rerun('acme/once', 1, 'all'), ['build']);
    const { nodes, outcome } = await server.ended('acme/once', 1, 2);
    const [build] = nodes;
    assert.deepEqual(build?.kind === 'stage' && build.attempts.map(({ attempt, outcome: each }) => [attempt, each]), [
      [1, 'passed'],
      [2, 'passed'],
    ]);
    assert.equal(outcome, 'passed');
    assert.equal((await server.client.runs('acme/once')).runs.length, 4);
  });

  it('answers as its API says: branches with slashes, newest first, logs as text, 404 for what is not there (R-CIO-55, R-DCK-84)', async () => {
    const app = await server.project('acme/api', { '.cion.yml': 'build: { image: busybox, cmd: [echo, "größe <b>"] }\n' });
    await app.push('main', 'main:refs/heads/feature/a/b');
    await server.begun('acme/api', 1);
    const { client } = server;
    const byDefault = await client.begin('acme/api');
    const named = await client.begin('acme/api', { branch: 'feature/a/b' });
    const ended = await server.ended('acme/api', named.number);
    assert.deepEqual([ended.trigger.kind, ended.trigger.by, ended.fetch.source?.branch], ['manual', 'ada', 'feature/a/b']);
    assert.equal((await server.ended('acme/api', byDefault.number)).fetch.source?.branch, 'main');
    assert.ok((await client.owners()).includes('acme'));
    assert.ok((await client.projects({ owner: 'acme' })).some(({ name }) => name === 'acme/api'));
    assert.deepEqual(
      (await client.runs('acme/api')).runs.map(({ number }) => number),
      [3, 2, 1],
    );
    assert.deepEqual(
      (await client.runs('acme/api', { branch: 'feature/a/b' })).runs.map(({ number }) => number),
      [3],
    );
    const log = await client.log('acme/api', 3, 'build');
    assert.deepEqual([log.headers.get('content-type'), await log.text()], ['text/plain; charset=utf-8', 'größe <b>\n']);
    for (const path of [
      '/api/none',
      '/api/projects/acme/none',
      paths.run('acme/api', 99),
      paths.log('acme/api', 3, 'none'),
      '/acme/none',
      '/acme/api/99',
    ]) {
      const answer = await server.ask('GET', path);
      assert.equal(answer.status, 404, path);
      assert.match(((await answer.json()) as { readonly code: string }).code, /^[A-Z_]+$/);
    }
  });

  it('gives a wercker build the addresses of its page and its project, and they open (R-WRK-133, R-WRK-150)', async () => {
    const app = await server.project('acme/wercker', {
      'wercker.yml': 'box: busybox\nbuild:\n  steps:\n    - script: { code: echo "at $WERCKER_BUILD_URL of $WERCKER_APPLICATION_URL" }\n',
    });
    app.commit({}, '<script>alert(1)</script> & more');
    await app.push('main');
    await server.begun('acme/wercker', 1);
    assert.equal((await server.ended('acme/wercker', 1)).outcome, 'passed');
    const [, build = '', project = ''] = /^at (\S+) of (\S+)$/m.exec(await server.text('acme/wercker', 1, 'build')) ?? [];
    assert.deepEqual([build, project], [`${server.url}/acme/wercker/1`, `${server.url}/acme/wercker`]);
    for (const url of [build, project]) {
      assert.equal((await fetch(url)).status, 404, 'it is a private project');
      const page = await fetch(url, { headers: { authorization: `Bearer ${server.token}` } });
      assert.deepEqual([page.status, page.headers.get('content-type')], [200, 'text/html; charset=utf-8']);
      const text = await page.text();
      assert.match(text, /passed[\s\S]*&#60;script&#62;alert\(1\)&#60;\/script&#62; &#38; more/);
      assert.doesNotMatch(text, /<script/);
      const [, link = ''] = (url === build ? /href="(\/api[^"]+)">log/ : /<td><a href="([^"]+)"/).exec(text) ?? [];
      assert.equal((await server.ask('GET', link)).status, 200);
    }
  });
});

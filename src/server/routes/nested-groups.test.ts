import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { paths } from '../../api/paths.ts';
import { isProjectName } from '../../api/project-name.ts';
import { passed, planOf, stageOf } from '../dispatch/testing/served.ts';
import { ask } from '../testing/requests.ts';
import { type RunServer, runServer } from '../testing/run-server.ts';
import { testProject } from '../testing/test-server.ts';
import { type Access, accessOf } from './access.ts';
import { pagesPlugin } from './pages.ts';

const nested = 'acme/tools/cli';
/** What its address would be mistaken for. */
const neighbours = ['acme/tools', 'tools/cli', 'acme/tools/cli/runs', 'acme/runs/1'];

describe('a project of nested groups', () => {
  let server: RunServer;
  let number: number;
  const accessNow = (): Access => {
    const { guard, runs } = server;
    const projects = { get: async (name: string) => server.projects.get(name), list: async () => [...server.projects.values()] };
    return accessOf({ actorOf: guard.actorOf, guard, projects, runs: runs.store.runs, dispatcher: runs.dispatcher });
  };
  const access: Access = {
    project: (...asked) => accessNow().project(...asked),
    run: (...asked) => accessNow().run(...asked),
    state: (row) => accessNow().state(row),
  };
  before(async () => {
    server = await runServer({
      beginRun: async ({ project }) => ({ kind: 'created', run: await server.runs.plan(planOf([stageOf('build')]), { project }) }),
      plugins: [
        pagesPlugin({
          access,
          runs: { list: (query) => server.runs.store.runs.list(query) },
          actorOf: (request) => server.guard.actorOf(request),
          guard: { may: (...asked) => server.guard.may(...asked) },
          formTokenOf: async () => undefined,
          approve: () => Promise.reject(new Error('nothing waits for approval here')),
          askAgain: () => Promise.reject(new Error('nothing waits for approval here')),
        }),
      ],
    });
    for (const name of [nested, ...neighbours]) server.projects.set(name, testProject(name));
    server.guard.grant('ada', nested, 'read', 'run', 'decide');
    const run = await server.runs.plan(planOf([stageOf('build 1')]), { project: nested });
    number = (await server.runs.state(run))?.number ?? 0;
    for (const claimed of await server.runs.claim()) await server.carry(claimed, passed(claimed), 'hello\n');
  });
  after(() => server.close());

  it('has everything at addresses of its own, whose owner is one part', async () => {
    const client = server.as('account:ada');
    assert.equal(paths.run(nested, number), `/api/projects/acme%2Ftools/cli/runs/${number}`);
    assert.equal((await client.project(nested)).name, nested);
    assert.deepEqual(
      (await client.runs(nested)).runs.map((row) => [row.project, row.number]),
      [[nested, number]],
    );
    assert.equal((await client.run(nested, number)).project, nested);
    assert.equal((await client.events(nested, number)).at(-1)?.kind, 'run.finished');
    assert.equal(await (await client.log(nested, number, 'build 1')).text(), 'hello\n');
    const pieces: string[] = [];
    for await (const { bytes } of client.followLog(nested, number, 'build 1', { from: 0 }, AbortSignal.timeout(10_000)))
      pieces.push(Buffer.from(bytes).toString());
    assert.equal(pieces.join(''), 'hello\n');
    assert.equal((await client.begin(nested)).number, number + 1);
    await client.cancel(nested, number + 1);
    assert.deepEqual(await client.deployments(nested), []);
    assert.deepEqual(
      (await client.projects({ owner: 'acme/tools' })).map(({ name }) => name),
      [nested],
    );
    assert.ok((await client.owners()).includes('acme/tools'));
  });

  it('has pages, whose links lead to its own', async () => {
    const page = await ask(server.url, paths.projectPage(nested), { as: 'account:ada' });
    assert.equal(page.status, 200, page.text);
    assert.ok(page.text.includes(`href="/acme%2Ftools/cli/${number}"`), page.text);
    const run = await ask(server.url, paths.runPage(nested, number), { as: 'account:ada' });
    assert.equal(run.status, 200);
    assert.ok(run.text.includes(`href="${paths.log(nested, number, 'build 1')}"`), run.text);
  });

  it('gives who may see it nothing of those beside it, whatever the slashes look like (atk-64)', async () => {
    for (const name of neighbours) {
      await assert.rejects(server.as('account:ada').project(name), { code: 'PROJECT_UNKNOWN' }, name);
    }
    for (const path of ['/api/projects/acme/tools/cli', '/api/projects/acme%2Ftools%2Fcli', '/api/projects/acme/tools%2Fcli']) {
      const { status } = await ask(server.url, path, { as: 'account:ada' });
      assert.ok([400, 404].includes(status), `${path}: ${status}`);
    }
  });

  it('is said to be a bad name, where it is none, before anything is looked up', async () => {
    const odd = [
      '..',
      '.',
      'acme%2F..',
      '..%2Facme',
      'acme%2F%2Ftools',
      '%2Facme',
      'acme%252Ftools',
      'a%25',
      'a%20b',
      '-a',
      'a%00',
      'a%0a',
      '%C3%A9',
      '%D0%B0cme',
    ];
    for (const owner of odd) {
      const { status, text, ...answer } = await ask(server.url, `/api/projects/${owner}/cli`, { as: 'admin:root' });
      assert.equal(status, 400, `${owner}: ${text}`);
      const { code, message } = answer.json();
      assert.equal(code, 'REQUEST_INVALID', text);
      assert.match(String(message), /OWNER\/NAME|cannot be understood/, owner);
    }
    for (const name of ['..', 'a%2F..', 'a%25b', 'a%252e', '-x', 'a%2Fb']) {
      assert.equal((await ask(server.url, `/api/projects/acme/${name}`, { as: 'admin:root' })).status, 400, name);
    }
  });

  it('is described in OpenAPI as one owner and one name', async () => {
    const { paths: described } = (await ask(server.url, '/api/openapi.json')).json() as {
      readonly paths: Readonly<
        Record<string, Record<string, { readonly parameters: readonly { readonly name: string; readonly description?: string }[] }>>
      >;
    };
    const owner = described['/api/projects/{owner}/{name}/runs/{number}']?.['get']?.parameters.find(({ name }) => name === 'owner');
    assert.match(owner?.description ?? '', /%2F/);
  });
});

describe('names of projects', () => {
  it('are parts between slashes that mean nothing in an address or a path', () => {
    for (const good of ['a/b', 'a/b/c', 'A_1/b-2.c', 'acme/.github', 'a/b/c/d/e/f', '_a/b', '1/2', 'a/...'])
      assert.ok(isProjectName(good), good);
    for (const bad of [
      'a',
      '',
      '/',
      'a/',
      '/a',
      'a//b',
      '../b',
      'a/..',
      'a/./b',
      'a/b/..',
      './b',
      '-a/b',
      'a/-b',
      'build 1',
      'a/b\n',
      'a%2Fb/c',
      'a/b%',
      'a\\b/c',
      'a/b?c',
      'a/b#c',
      'a/é',
      `a/${'b'.repeat(300)}`,
    ]) {
      assert.ok(!isProjectName(bad), JSON.stringify(bad));
    }
  });
});

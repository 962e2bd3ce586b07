import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { paths } from '../api/paths.ts';
import { protocolHeader, workerPaths, workerProtocol } from '../api/worker-wire.ts';
import { virtualClock } from '../lib/virtual-clock.ts';
import { StoreError } from '../store/store-error.ts';
import { ask } from './testing/requests.ts';
import { type TestServer, testProject, testServer } from './testing/test-server.ts';

/** Sends exactly these bytes, and answers all that comes back until the connection is closed. */
const raw = (url: string, bytes: string): Promise<string> => {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  socket.write(bytes);
  return new Promise((resolve) => socket.on('error', () => {}).on('close', () => resolve(answer)));
};

describe('the HTTP side of a server', () => {
  let server: TestServer;
  const lines: string[] = [];
  before(async () => {
    server = await testServer({
      log: { write: (line) => void lines.push(line) },
      plugins: [
        async (app) => {
          app.get('/leaky', () => Promise.reject(new Error('the password of postgres is hunter2')));
          app.get('/replaced', () => Promise.reject(new StoreError('STORE_LOCKED', 'Another server has taken the database over.')));
        },
      ],
      health: async () => ({ database: true, workers: 2, password: 'hunter2' }) as { database: boolean; workers: number },
    });
    server.projects.set('acme/app', { ...testProject('acme/app'), webhookSecret: 'sealed-secret' });
    server.guard.public.add('acme/app');
  });
  after(() => server.close());

  it('says whether the database answers and how many workers there are, and nothing else', async () => {
    assert.deepEqual((await ask(server.url, '/healthz')).json(), { database: 'reachable', results: 'reachable', workers: 2 });
    const broken = await testServer({ health: () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.1')) });
    const answer = await ask(broken.url, '/healthz');
    assert.deepEqual([answer.status, answer.json()], [503, { database: 'unreachable', results: 'reachable', workers: 0 }]);
    await broken.close();
  });

  it('tells who asks a server that was replaced to come again: the one that has the database answers then (atk-74)', async () => {
    const { status, json } = await ask(server.url, '/replaced');
    assert.deepEqual([status, json()['code']], [503, 'STORE_LOCKED']);
    const told = lines.filter((line) => line.includes('STORE_LOCKED'));
    assert.deepEqual(
      told.map((line) => (JSON.parse(line) as { readonly level: number; readonly stack?: string }).level),
      [40],
      'one line, a warning, without where in the code',
    );
    assert.doesNotMatch(told.join(''), /stack|\.ts:/);
  });

  it('describes itself as OpenAPI 3.1, made of the schemas by which it reads and answers', async () => {
    const document = (await ask(server.url, '/api/openapi.json')).json();
    assert.equal(document['openapi'], '3.1.0');
    const described = document['paths'] as Record<string, Record<string, { readonly parameters?: readonly { readonly name: string }[] }>>;
    for (const [path, method] of [
      ['/api/projects/{owner}/{name}/runs', 'get'],
      ['/api/projects/{owner}/{name}/runs', 'post'],
      ['/api/projects/{owner}/{name}/runs/{number}', 'get'],
      ['/api/projects/{owner}/{name}/runs/{number}/gates/{gate}', 'post'],
      ['/api/projects/{owner}/{name}/runs/{number}/log/{stage}/stream', 'get'],
      [workerPaths.claim, 'post'],
      ['/healthz', 'get'],
    ] as const) {
      assert.ok(described[path]?.[method] !== undefined, `${method} ${path} is not among ${Object.keys(described).join(' ')}`);
    }
    const names = described['/api/projects/{owner}/{name}/runs']?.['get']?.parameters?.map(({ name }) => name);
    assert.deepEqual(names, ['branch', 'commit', 'pipeline', 'outcome', 'finished', 'before', 'limit', 'owner', 'name']);
    const { schemas } = document['components'] as { readonly schemas: Readonly<Record<string, object>> };
    assert.ok('Run' in schemas && 'Attempt' in schemas);
  });

  it('answers nothing that a schema does not name', async () => {
    const project = await ask(server.url, paths.project('acme/app'));
    assert.deepEqual(Object.keys(project.json()).sort(), ['createdAt', 'defaultBranch', 'name', 'visibility']);
    assert.ok(!(await ask(server.url, paths.projects)).text.includes('sealed-secret'));
  });

  it('lets no page frame it, sniff it, run foreign scripts or read it from elsewhere (atk-62)', async () => {
    for (const path of ['/healthz', paths.project('acme/app'), '/nothing']) {
      const { headers } = await ask(server.url, path, { headers: { origin: 'https://evil.example' } });
      const policy = String(headers['content-security-policy']);
      assert.match(policy, /default-src 'self'/);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval|\*/);
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['access-control-allow-origin'], undefined);
      assert.equal(headers['x-powered-by'], undefined);
    }
  });

  it('has one shape for what goes wrong, and no word of the inside in it', async () => {
    const cases = [
      [await ask(server.url, '/nothing'), 404, 'NOT_FOUND'],
      [await ask(server.url, '/leaky'), 500, 'SERVER_FAILED'],
      [await ask(server.url, `${paths.runs('acme/app')}?limit=x`), 400, 'REQUEST_INVALID'],
      [await ask(server.url, '/api/projects/%ff/x'), 400, 'REQUEST_INVALID'],
      [await ask(server.url, `/api/projects/${'x'.repeat(2000)}/x`), 414, 'REQUEST_INVALID'],
      [
        await ask(server.url, workerPaths.claim, { as: 'worker:one', body: '{"broken', headers: { 'content-type': 'application/json' } }),
        400,
        'REQUEST_INVALID',
      ],
      [
        await ask(server.url, workerPaths.claim, {
          as: 'worker:one',
          body: '{"__proto__":{"a":1}}',
          headers: { 'content-type': 'application/json' },
        }),
        400,
        'REQUEST_INVALID',
      ],
      [await ask(server.url, workerPaths.claim, { as: 'worker:one', json: { a: 'x'.repeat(300_000) } }), 413, 'REQUEST_TOO_LARGE'],
    ] as const;
    for (const [answer, status, code] of cases) {
      const { code: said, message, ...rest } = answer.json();
      assert.deepEqual([answer.status, said, typeof message, rest], [status, code, 'string', {}], answer.text);
      assert.match(String(answer.headers['content-type']), /^application\/json/);
      assert.doesNotMatch(answer.text, /hunter2|node_modules|\.ts/);
    }
    assert.ok(
      lines.some((line) => line.includes('the password of postgres')),
      'the log says why',
    );
  });

  it('logs each request as one line of JSON with its path and its answer, and never what stands behind the path or in headers', async () => {
    lines.length = 0;
    await ask(server.url, `${paths.project('acme/app')}?token=hunter2&x=1`, {
      as: 'account:hunter3',
      headers: { cookie: 'session=account:hunter4' },
    });
    const logged = lines.map((line) => JSON.parse(line) as Record<string, Record<string, unknown>>);
    assert.deepEqual(
      logged.map(({ req, res }) => [req, res]),
      [[{ method: 'GET', path: paths.project('acme/app'), from: '127.0.0.1' }, { status: 200 }]],
    );
    assert.doesNotMatch(lines.join(''), /hunter/);
  });
});

describe('a server under clients that ask too much', () => {
  it('refuses more requests of an address than a minute may have, those of workers apart (atk-69)', async () => {
    const server = await testServer({ limits: { requestsPerMinute: 5 } });
    const statuses: number[] = [];
    for (let i = 0; i < 7; i++) statuses.push((await ask(server.url, '/api/projects')).status);
    assert.deepEqual(statuses, [200, 200, 200, 200, 200, 429, 429]);
    const refused = await ask(server.url, '/api/projects');
    assert.equal(refused.json()['code'], 'TOO_MANY_REQUESTS');
    assert.ok(Number(refused.headers['retry-after']) > 0);
    assert.equal((await ask(server.url, workerPaths.closeLog, { as: 'worker:one', json: {} })).status, 400);
    await server.close();
  });

  it('believes where a request comes from only what its own proxies say', async () => {
    const statusesOf = async (server: TestServer): Promise<readonly number[]> => {
      const ask3 = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((from) =>
        ask(server.url, '/api/projects', { headers: { 'x-forwarded-for': from } }),
      );
      return (await Promise.all(ask3)).map(({ status }) => status).sort((a, b) => a - b);
    };
    const [alone, behind] = [
      await testServer({ limits: { requestsPerMinute: 1 } }),
      await testServer({ limits: { requestsPerMinute: 1 }, proxies: ['127.0.0.0/8'] }),
    ];
    assert.deepEqual(await statusesOf(alone), [200, 429, 429]);
    assert.deepEqual(await statusesOf(behind), [200, 200, 200]);
    await Promise.all([alone.close(), behind.close()]);
  });

  it('waits neither for headers nor for bodies that do not come (atk-69)', { timeout: 20_000 }, async () => {
    const clock = virtualClock();
    const server = await testServer({ clock, limits: { headersMs: 100, bodyMs: 5000 } });
    const headers = await raw(server.url, 'GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ');
    assert.match(headers, /^HTTP\/1.1 408 /);
    const body = raw(
      server.url,
      `POST ${workerPaths.claim} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer worker:one\r\n${protocolHeader}: ${workerProtocol}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"a"`,
    );
    while (clock.pending() === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(5000);
    assert.match(await body, /^HTTP\/1.1 408 [\s\S]*REQUEST_SLOW/);
    await server.close();
  });

  it('cuts connections on which nothing moves (atk-69)', { timeout: 20_000 }, async () => {
    const server = await testServer({ limits: { idleMs: 200 } });
    assert.equal(await raw(server.url, ''), '');
    await server.close();
  });
});

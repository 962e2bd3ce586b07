import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { apiClient } from '../src/api/client.ts';
import { paths } from '../src/api/paths.ts';
import type { RunJson } from '../src/api/run-json.ts';
import { httpServer } from './http-server.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const secret = 'Zebra-crossing/9+straße?x=1&y';
const bytes = Buffer.from(secret);
const needles: readonly string[] = [
  secret,
  encodeURIComponent(secret),
  JSON.stringify(secret).slice(1, -1),
  bytes.toString('hex'),
  ...[0, 1, 2].map((offset) =>
    Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .slice(4, -4),
  ),
];
const shows = (content: string | Buffer): boolean => needles.some((needle) => Buffer.from(content).includes(needle));
const assertClean = (where: string, content: string | Buffer): void => assert.equal(shows(content), false, `${where} shows the secret`);

const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
};

const everywhere = [
  'writer:',
  '  img: busybox',
  '  env: { TOKEN: { secret: TOKEN } }',
  '  run:',
  '    - echo "out $TOKEN"; echo "err $TOKEN" >&2; printf %s "$TOKEN" | base64; printf %s "$TOKEN" | hexdump -v -e \'/1 "%02x"\'; ls "/nowhere/$TOKEN" || true',
  '    - mkdir reports; echo "<testcase name=\\"$TOKEN\\"/>" > reports/junit.xml; echo nothing > plain.txt',
  '    - echo "$TOKEN" > /inside-the-image; env > /environment',
  'next: { img: writer, after: writer, env: [writer], run: "echo got \\"$writer\\"; cat out/writer" }',
  'named: { img: busybox, env: { TOKEN: { secret: TOKEN } }, run: "mkdir -p \\"$TOKEN\\"; echo a > \\"$TOKEN/a.txt\\"", may-fail: true }',
  'failing: { img: busybox, env: { TOKEN: { secret: TOKEN } }, run: "echo \\"$TOKEN\\"; sh -c \\"exit 3\\" \\"$TOKEN\\"", may-fail: true }',
  'deploy: { img: busybox, after: next, env: { TOKEN: { secret: TOKEN } }, run: "echo deployed with $TOKEN", deploys: production }',
  '',
].join('\n');

describe('secrets on a server', { timeout: 240_000 }, () => {
  let server: ServerProcess;
  let told: Awaited<ReturnType<typeof httpServer>>;
  let metrics = 0;
  let run: RunJson;
  const project = 'acme/leaky';
  const keptImage = `e2e-leaky-${process.pid}:1`;
  const undo: (() => void)[] = [];
  before(async () => {
    told = await httpServer({ after: (one) => void undo.push(one as () => void) });
    metrics = await freePort();
    server = await startServer({
      args: ['--allow-address', '127.0.0.1', '--metrics', `127.0.0.1:${metrics}`],
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: told.url },
    });
    const made = await server.project(project, { 'a.dockercise.yaml': everywhere });
    await server.client.setSecret(project, 'TOKEN', {
      value: secret,
      kind: 'secret',
      scope: { pipelines: [], branches: [], environments: [], triggers: [] },
    });
    for (const way of ['http', 'slack']) {
      await server.asked('POST', `${paths.project(project)}/subscriptions`, { target: { way, url: `${told.url}/${way}` } });
    }
    await made.push('main');
    await server.begun(project, 1);
    // What a run leaves on its engine is removed when it ends.
    await server.until(project, 1, (event) => event.kind === 'stage.finished' && event.stage === 'writer');
    const events = await server.client.events(project, 1);
    const [image] = events.flatMap((event) => (event.kind === 'stage.finished' && event.stage === 'writer' ? [event.image?.digest] : []));
    assert.ok(image !== undefined);
    execFileSync('docker', ['tag', image, keptImage]);
    run = await server.ended(project, 1);
  });
  after(async () => {
    await server.close();
    for (const one of undo) one();
  });

  const nodeOf = (name: string) => {
    const found = run.nodes.find((node) => node.name === name);
    assert.ok(found?.kind === 'stage', name);
    return found;
  };
  const inTime = async (isThere: () => boolean): Promise<void> => {
    while (!isThere()) await new Promise((resolve) => setTimeout(resolve, 50));
  };

  it('a stage that writes its secret everywhere it can shows it in no text: log, events, answers, pages, notifications, traces, metrics, records (atk-36)', async () => {
    assert.equal(run.outcome, 'errored', JSON.stringify(run.nodes));
    const events = await server.client.events(project, 1);
    assertClean('an event', JSON.stringify(events));
    assertClean('the run', JSON.stringify(run));
    for (const name of ['writer', 'next', 'failing', 'deploy']) {
      const log = await server.text(project, 1, name);
      assert.match(log, /\*{8}/, name);
      assertClean(`the log of ${name}`, log);
      assertClean(`why of ${name}`, JSON.stringify(await server.client.why(project, 1, name)));
      assertClean('the files', JSON.stringify(name === 'writer' ? await server.client.files(project, 1, name) : ''));
    }
    const texts = [
      paths.runPage(project, 1),
      paths.projectPage(project),
      `${paths.run(project, 1)}/metrics`,
      paths.deployments(project),
      paths.environment(project, 'production'),
      paths.secrets(project),
      paths.runs(project),
      paths.queue,
      '/api/audit',
    ];
    for (const path of texts) {
      const answer = await server.ask('GET', path);
      assert.equal(answer.status, 200, path);
      assertClean(path, await answer.text());
    }
    assertClean('a metric', await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text());
    const ofKinds = ['/http', '/slack', '/v1/traces'];
    await inTime(() => ofKinds.every((path) => told.asked.some((one) => one.path === path)));
    for (const { path, headers, body } of told.asked) assertClean(path, JSON.stringify(headers) + body);
    assertClean('the server’s own words', server.said());
  });

  it('nothing that the server keeps has it in the clear, besides the files that stages left, and of these it is told that they do (atk-36)', async () => {
    const events = await server.client.events(project, 1);
    const notes = events.flatMap((event) => (event.kind === 'stage.noted' ? [`${event.stage}: ${event.text}`] : []));
    assert.ok(
      notes.some((note) => /^writer: a secret is in files that it left: .*junit\.xml\. /.test(note)),
      notes.join('\n'),
    );
    assert.doesNotMatch(notes.join('\n'), /plain\.txt/);
    const files = globSync('**/*', { cwd: server.data, withFileTypes: true }).filter((entry) => entry.isFile());
    const showing = files.filter(({ parentPath, name }) => shows(readFileSync(`${parentPath}/${name}`)) || shows(`${parentPath}/${name}`));
    const known = /\/(?:trees|worker)\/|\.zip$|\.tar$|\/mirrors?\//;
    assert.deepEqual(
      showing.map(({ parentPath, name }) => `${parentPath}/${name}`.slice(server.data.length)).filter((path) => !known.test(path)),
      [],
    );
  });

  it('a file that is called as a secret is not kept, and the stage says why without it (atk-36)', () => {
    const { outcome, attempts } = nodeOf('named');
    assert.equal(outcome, 'errored');
    assert.match(JSON.stringify(attempts), /SECRET_IN_FILE_NAME/);
  });

  it('the image that a stage leaves has its files and none of its environment (atk-38)', () => {
    const inside = execFileSync('docker', [
      'run',
      '--rm',
      '--network',
      'none',
      '--entrypoint',
      'sh',
      keptImage,
      '-c',
      'env; cat /environment | wc -l',
    ]);
    assertClean('its environment', inside);
    assert.match(inside.toString(), /^[1-9]\d*$/m);
    for (const args of [['inspect'], ['history', '--no-trunc', '--format', '{{json .}}']]) {
      assertClean(args.join(' '), execFileSync('docker', ['image', ...args, keptImage]));
    }
  });

  it('who has not the right to secrets gets at none, by whatever they may do: reading, running again, other variables, bytes of workers (atk-38)', async () => {
    const anyone = async (name: string, role: 'reader' | 'writer') => {
      await server.asked('POST', '/api/accounts', { name, password: `a long password of ${role}` });
      await server.asked('PUT', `${paths.project(project)}/members/${name}`, { role });
      const headers = { 'content-type': 'application/json', 'x-cion': '1', origin: server.url };
      const login = await fetch(`${server.url}/api/auth/login`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ name, password: `a long password of ${role}` }),
      });
      const cookie = login.headers
        .getSetCookie()
        .map((one) => one.split(';')[0])
        .join('; ');
      const scopes = ['read', 'run', 'decide', 'secrets', 'settings'];
      const token = await fetch(`${server.url}/api/auth/tokens`, {
        method: 'POST',
        headers: { ...headers, cookie },
        body: JSON.stringify({ name: 'x', scopes }),
      });
      return ((await token.json()) as { readonly token: string }).token;
    };
    const [reader, writer] = [await anyone('rita', 'reader'), await anyone('walt', 'writer')];
    const as = (token: string, method: string, path: string, body?: unknown) =>
      fetch(`${server.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'x-cion': '1', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    for (const token of [reader, writer]) {
      assert.equal((await as(token, 'GET', paths.secrets(project))).status, 403);
      assert.equal((await as(token, 'PUT', paths.secret(project, 'TOKEN'), { value: 'something else' })).status, 403);
      assert.equal((await as(token, 'DELETE', paths.secret(project, 'TOKEN'))).status, 403);
      const shells = [
        `${paths.run(project, 1)}/shell`,
        `${paths.run(project, 1)}/stages/writer/shell`,
        `${paths.run(project, 1)}/volumes/writer`,
      ];
      for (const path of shells) assert.equal((await as(token, 'POST', path, {})).status, 404, path);
      for (const path of ['/api/worker/claim', '/api/worker/report']) assert.equal((await as(token, 'POST', path, {})).status, 401, path);
      for (const path of ['/api/worker/trees?digest=x', '/api/worker/outputs?stage=writer', '/api/worker/cache?key=x']) {
        assert.equal((await as(token, 'GET', path)).status, 401, path);
      }
      assertClean('the plan', JSON.stringify(await apiClient({ url: server.url, token }).events(project, 1)));
    }
    assert.equal((await as(reader, 'POST', paths.rerun(project, 1), { which: 'all' })).status, 403);
    assert.equal((await as(writer, 'POST', paths.rerun(project, 1), { which: 'all', variables: { TOKEN: 'x' } })).status, 400);
    const began = await as(writer, 'POST', paths.runs(project), {
      branch: 'main',
      stages: ['writer'],
      variables: { TOKEN: 'walt has his own' },
    });
    assert.equal(began.status, 201, await began.clone().text());
    const { number } = (await began.json()) as { readonly number: number };
    await server.begun(project, number);
    await server.ended(project, number);
    const log = await server.text(project, number, 'writer');
    assertClean('a run with other variables', log);

    const audit = await server.asked<
      { readonly action: string; readonly outcome: string; readonly project?: string; readonly actor: { readonly name?: string } }[]
    >('GET', '/api/audit?limit=200');
    const refused = audit.filter(({ outcome }) => outcome === 'refused').map(({ action, actor }) => `${actor.name} ${action}`);
    for (const name of ['rita', 'walt']) {
      for (const action of ['secret.list', 'secret.put', 'secret.remove'])
        assert.ok(refused.includes(`${name} ${action}`), `${name} ${action}`);
    }
    assertClean('the audit', JSON.stringify(audit));
  });
});

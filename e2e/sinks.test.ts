import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunEvent } from '../src/run/run-event.ts';
import { cion } from './cli.ts';
import { type Asked, httpServer } from './http-server.ts';
import { repository } from './repository.ts';

const pipeline = [
  'build:',
  '  image: busybox',
  '  env: { PASSWORD: { secret: PASSWORD } }',
  '  run: |',
  '    echo "größe and $PASSWORD"',
  '    echo two >&2',
  '',
].join('\n');

const linesOf = (asked: readonly Asked[]): readonly unknown[] =>
  asked.flatMap(({ body }) =>
    body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  );

test('events and logs reach their servers, in order, complete and without secrets (R-WRK-177, R-WRK-178)', async (t) => {
  const cwd = repository(t, { '.cion.yml': pipeline });
  const [events, logs] = await Promise.all([httpServer(t), httpServer(t)]);
  const { code, err, out } = await cion(['run', '--json', '--events-url', `${events.url}/events`, '--logs-url', `${logs.url}/logs`], {
    cwd,
    env: { PASSWORD: 'correct horse', CION_SINK_TOKEN: 'tell-nobody' },
  });
  assert.deepEqual([code, err], [0, '']);
  const printed = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as RunEvent | { kind: 'log' });
  const sent = linesOf(events.asked) as readonly RunEvent[];
  assert.deepEqual(
    sent,
    printed.filter(({ kind }) => kind !== 'log'),
  );
  assert.deepEqual(
    sent.map(({ seq }) => seq),
    sent.map((_, i) => i + 1),
  );
  const log = linesOf(logs.asked) as readonly { readonly stream: string; readonly text: string }[];
  const of = (stream: string) =>
    log
      .filter((line) => line.stream === stream)
      .map((line) => line.text)
      .join('');
  assert.match(of('stdout'), /^größe and (?!correct)/);
  assert.equal(of('stderr'), 'two\n');
  const run = sent[0]?.kind === 'run.created' ? sent[0].run : undefined;
  for (const { headers } of [...events.asked, ...logs.asked]) {
    assert.deepEqual([headers.authorization, headers['cion-run']], ['Bearer tell-nobody', run]);
  }
});

test('each sink works alone, and without a flag nothing is sent anywhere (R-WRK-73)', async (t) => {
  const cwd = repository(t, { '.cion.yml': pipeline });
  const server = await httpServer(t);
  const env = { PASSWORD: 'correct horse', CION_SINK_TOKEN: 'tell-nobody' };
  assert.equal((await cion(['run'], { cwd, env })).code, 0);
  assert.equal(server.asked.length, 0);
  assert.equal((await cion(['run'], { cwd, env: { ...env, CION_EVENTS_URL: `${server.url}/events` } })).code, 0);
  assert.deepEqual([...new Set(server.asked.map(({ path }) => path))], ['/events']);
  assert.ok((linesOf(server.asked) as readonly { kind: string }[]).every(({ kind }) => kind !== 'log'));
  const before = server.asked.length;
  assert.equal((await cion(['run'], { cwd, env: { ...env, CION_LOGS_URL: `${server.url}/logs` } })).code, 0);
  assert.ok((linesOf(server.asked.slice(before)) as readonly { kind: string }[]).every(({ kind }) => kind === 'log'));
});

test('a server that answers 500, and one that never answers, change nothing about a run and are told of once', async (t) => {
  const cwd = repository(t, { '.cion.yml': 'build: { image: busybox }' });
  const [broken, hanging] = await Promise.all([
    httpServer(t, (response) => void response.writeHead(500).end()),
    httpServer(t, () => undefined),
  ]);
  const { code, err, out } = await cion(['run', '--runtime', 'fake', '--events-url', broken.url, '--logs-url', hanging.url], {
    cwd,
    env: {},
  });
  assert.equal(code, 0, err);
  assert.match(out, /Run 1 passed/);
  assert.equal(err.match(/not all events arrive at http:\/\/127\.0\.0\.1:\d+: it answers 500/g)?.length, 1);
  assert.ok(broken.asked.length > 1);
  const { code: hung, err: said } = await cion(['run', '--runtime', 'fake', '--events-url', hanging.url], { cwd });
  assert.equal(hung, 0);
  assert.equal(said.match(/not all has arrived 5 s after the end/g)?.length, 1);
});

test('a key is given by the environment or a file, and never stands in the address (R-WRK-74)', async (t) => {
  const cwd = repository(t, {
    '.cion.yml': 'build: { image: busybox, cmd: env, env: { T: { outside: CION_SINK_TOKEN } } }',
    token: 'from-a-file\n',
  });
  const server = await httpServer(t);
  const refused = await cion(['run', '--runtime', 'fake', '--events-url', 'https://me:s3cret@example.org/'], { cwd });
  assert.equal(refused.code, 2);
  assert.match(refused.err, /CION_SINK_TOKEN/);
  assert.doesNotMatch(refused.err, /s3cret/);
  const given = await cion(['run', '--runtime', 'fake'], { cwd, env: { CION_SINK_TOKEN: 'x' } });
  assert.match(given.err, /VARIABLE_MISSING/);
  const env = { CION_SINK_TOKEN_FILE: 'token', CION_EVENTS_URL: server.url };
  await cion(['run', '--runtime', 'fake'], { cwd, env });
  assert.equal(server.asked[0]?.headers.authorization, 'Bearer from-a-file');
  assert.match((await cion(['run'], { cwd, env: { ...env, CION_SINK_TOKEN_FILE: 'nowhere' } })).err, /SINK_TOKEN_UNREADABLE/);
});

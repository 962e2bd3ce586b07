import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { pack } from 'tar-stream';
import { paths } from '../../api/paths.ts';
import { passed, planOf, preparing, stageOf, startedNow } from '../dispatch/testing/served.ts';
import { ask } from '../testing/requests.ts';
import { finishedSummary, type RunServer, runServer } from '../testing/run-server.ts';

const large = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) & 0xff));
const oddName = 'größe/<b> "quoted"\r\n%2e%2e.html';
const files: Readonly<Record<string, string | Buffer>> = {
  'index.html': '<script>alert(document.cookie)</script>',
  'image.svg': '<svg onload="alert(1)"/>',
  large,
  [oddName]: 'odd',
};

let server: RunServer;
let number = 0;
before(async () => {
  server = await runServer();
  const run = await server.runs.plan(planOf([stageOf('build')]));
  number = (await server.runs.state(run))?.number ?? 0;
  const [claimed] = await server.runs.claim();
  assert.ok(claimed);
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content);
  tar.entry({ name: 'link', type: 'symlink', linkname: '/etc/passwd' });
  tar.finalize();
  const key = { run, stage: 'build', attempt: 1 };
  await (await server.results.begin(key, 1)).close();
  const artifacts = await server.results.putArtifacts(key, Readable.from(tar as AsyncIterable<Uint8Array>, { objectMode: false }));
  assert.ok(artifacts);
  await server.results.finish(key, { ...finishedSummary, hasArtifacts: true });
  await server.runs.tell(claimed, 1, [
    preparing(claimed),
    startedNow(claimed),
    { ...passed(claimed), kind: 'stage.finished', outcome: 'passed', artifacts } as never,
  ]);
});
after(() => server.close());

test('files of a stage come one by one and as a zip, byte for byte, and leave nothing on the server’s disk', async () => {
  const client = server.as('account:eve');
  const listed = await client.files('acme/app', number, 'build');
  assert.deepEqual(
    listed.map(({ path }) => path),
    [...Object.keys(files), 'link'],
  );
  const before = (await readdir(tmpdir())).filter((name) => name.startsWith('cion-zip-')).length;
  for (const [path, content] of Object.entries(files)) {
    const found = Buffer.from(await (await client.file('acme/app', number, 'build', path)).arrayBuffer());
    assert.deepEqual(found, Buffer.from(content), path);
  }
  const zip = Buffer.from(await (await client.artifacts('acme/app', number, 'build')).arrayBuffer());
  assert.equal(zip.subarray(0, 2).toString(), 'PK');
  assert.equal((await client.run('acme/app', number)).nodes[0]?.kind, 'stage');
  const left = (await readdir(tmpdir())).filter((name) => name.startsWith('cion-zip-')).length;
  assert.equal(left, before);
});

test('a browser keeps files and shows none as a page of ours, whatever they are and are called (atk-46)', async () => {
  const targets = [
    ...Object.keys(files).map((path) => `${paths.file('acme/app', number, 'build')}?path=${encodeURIComponent(path)}`),
    paths.artifacts('acme/app', number, 'build'),
  ];
  for (const target of targets) {
    const { status, headers } = await ask(server.url, target, { as: 'account:eve' });
    assert.equal(status, 200);
    assert.match(String(headers['content-disposition']), /^attachment; filename="[\w.-]+"; filename\*=UTF-8''[^\r\n"<>]+$/);
    assert.ok(['application/octet-stream', 'application/zip'].includes(String(headers['content-type'])));
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['content-security-policy'], "sandbox; default-src 'none'");
  }
});

test('what is no file of the stage is not there: links, paths that lead elsewhere, other attempts', async () => {
  for (const path of ['link', '../build.json', '/etc/passwd', 'largE', 'größe/', '\0', 'x'.repeat(10_000)]) {
    const answer = await ask(server.url, `${paths.file('acme/app', number, 'build')}?path=${encodeURIComponent(path)}`, {
      as: 'account:eve',
    });
    assert.deepEqual([answer.status, answer.json()['code']], [404, 'FILE_UNKNOWN'], path);
  }
  for (const query of ['?attempt=2', '?part=steps']) {
    const answer = await ask(server.url, `${paths.artifacts('acme/app', number, 'build')}${query}`, { as: 'account:eve' });
    assert.deepEqual([answer.status, answer.json()['code']], [404, 'FILES_NONE']);
  }
});

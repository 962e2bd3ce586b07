import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { pack } from 'tar-stream';
import { paths } from '../../api/paths.ts';
import { s3Downloads } from '../../results/s3/s3-direct.ts';
import { type S3Objects, s3Objects } from '../../results/s3/s3-objects.ts';
import { s3Results } from '../../results/s3/s3-results.ts';
import { type S3Signer, s3Signer } from '../../results/s3/s3-signer.ts';
import { type S3Proxy, s3Proxy } from '../../results/s3/testing/s3-proxy.ts';
import { type S3Server, s3Server, users, whyNoS3 } from '../../results/s3/testing/s3-server.ts';
import { passed, planOf, preparing, stageOf, startedNow } from '../dispatch/testing/served.ts';
import { ask } from '../testing/requests.ts';
import { finishedSummary, type RunServer, runServer } from '../testing/run-server.ts';

const zipAt = (project = 'acme/app', number = 1): string => paths.artifacts(project, number, 'build');
const logAt = (stage: string): string => paths.log('acme/app', 1, stage);

describe('downloads of a server whose results are in S3', { skip: whyNoS3() }, () => {
  let s3: S3Server;
  let proxy: S3Proxy;
  let objects: S3Objects;
  let signer: S3Signer;
  let server: RunServer;
  let run: string;
  before(async () => {
    s3 = await s3Server();
    proxy = await s3Proxy(s3.endpoint);
    const place = { bucket: await s3.bucket(), prefix: 'ci/' };
    objects = s3Objects(place, { endpoint: s3.endpoint, credentials: users.ada, attempts: 1 });
    signer = s3Signer(place, { endpoint: proxy.endpoint, credentials: users.ada }, { now: Date.now, seconds: 60 });
    server = await runServer({ results: s3Results(objects), downloads: s3Downloads(objects, signer) });
    run = await server.runs.plan(planOf([stageOf('build'), stageOf('next')]));
    const claims = await server.runs.claim();
    const [build, next] = ['build', 'next'].map((name) => claims.find(({ work }) => work.stage.name === name));
    assert.ok(build && next);
    const key = { run, stage: 'build', attempt: 1 };
    const log = await server.results.begin(key, 1000);
    await log.append({ stream: 'stdout', bytes: Buffer.from('said\n'), at: 1000 });
    await log.append({ stream: 'stderr', bytes: Buffer.from('aside\n'), at: 1001 });
    await log.close();
    const tar = pack();
    tar.entry({ name: 'index.html' }, '<script>alert(document.cookie)</script>');
    tar.finalize();
    const artifacts = await server.results.putArtifacts(key, Readable.from(tar as AsyncIterable<Uint8Array>, { objectMode: false }));
    await server.results.finish(key, { ...finishedSummary, hasArtifacts: true });
    await server.runs.tell(build, 1, [preparing(build), startedNow(build), { ...passed(build), artifacts } as never]);
    const writing = await server.results.begin({ run, stage: 'next', attempt: 1 }, 2000);
    await writing.append({ stream: 'stdout', bytes: Buffer.from('so far'), at: 2000 });
    await server.runs.tell(next, 1, [preparing(next), startedNow(next)]);
  });
  after(async () => {
    await server.close();
    await Promise.all([objects.close(), signer.close(), proxy.close()]);
    s3.close();
  });

  it('are had from S3 by a short-lived address, files as something to be kept (atk-45, atk-46)', async () => {
    const shown: readonly (readonly [string, string, string | null])[] = [
      [zipAt(), 'application/zip', `attachment; filename="1-build.zip"; filename*=UTF-8''1-build.zip`],
      [logAt('build'), 'text/plain; charset=utf-8', null],
      [paths.document('acme/app', 1, 'build'), 'application/json', null],
    ];
    for (const [path, type, disposition] of shown) {
      const { status, headers, text } = await ask(server.url, path, { as: 'account:eve' });
      assert.deepEqual([status, headers['cache-control'], text], [302, 'private, no-store', ''], path);
      const address = String(headers['location']);
      assert.ok(address.startsWith(`${proxy.endpoint}/`), address);
      assert.match(address, /X-Amz-Expires=60&/);
      const given = await fetch(address);
      assert.deepEqual(
        [given.status, given.headers.get('content-type'), given.headers.get('content-disposition')],
        [200, type, disposition],
      );
      await given.body?.cancel();
    }
  });

  it('are followed by our client, and S3 is told none of its tokens', async () => {
    const client = server.as('account:eve');
    const before = proxy.seen.length;
    assert.equal(await (await client.log('acme/app', 1, 'build')).text(), 'said\naside\n');
    assert.equal(
      Buffer.from(await (await client.artifacts('acme/app', 1, 'build')).arrayBuffer())
        .subarray(0, 2)
        .toString(),
      'PK',
    );
    assert.equal(((await (await client.document('acme/app', 1, 'build')).json()) as { name: string }).name, 'build');
    const seen = proxy.seen.slice(before);
    assert.equal(seen.length, 3);
    for (const { headers } of seen)
      assert.deepEqual([headers.authorization, headers.cookie, headers['x-cion']], [undefined, undefined, undefined]);
    assert.ok(!JSON.stringify(seen).includes('account:eve'));
  });

  it('need the right to read, for each address anew (atk-45)', async () => {
    for (const path of [zipAt(), logAt('build'), paths.document('acme/app', 1, 'build')]) {
      for (const as of ['account:mallory', undefined]) {
        const { status, headers } = await ask(server.url, path, as === undefined ? {} : { as });
        assert.deepEqual([status, headers['location']], [404, undefined]);
      }
    }
    assert.equal((await ask(server.url, zipAt('acme/other'), { as: 'account:eve' })).status, 404);
    assert.equal((await ask(server.url, zipAt('acme/app', 2), { as: 'account:eve' })).status, 404);
  });

  it('tell the address in JSON to who asks for that', async () => {
    const { status, json } = await ask(server.url, zipAt(), { as: 'account:eve', headers: { accept: 'application/json' } });
    const { url, until } = json() as { readonly url: string; readonly until: number };
    assert.equal(status, 200);
    assert.ok(until > Date.now() && until <= Date.now() + 60_000);
    assert.equal((await fetch(url)).status, 200);
  });

  it('come from the server itself for scripts of its page, single files, logs that still grow and parts of logs', async () => {
    const cookie = { cookie: 'session=account:eve' };
    const page = await ask(server.url, logAt('build'), { headers: { ...cookie, accept: '*/*' } });
    assert.deepEqual([page.status, page.text], [200, 'said\naside\n']);
    assert.equal((await ask(server.url, logAt('build'), { headers: { ...cookie, accept: 'text/html,*/*;q=0.8' } })).status, 302);
    const others: readonly (readonly [string, string])[] = [
      [logAt('next'), 'so far'],
      [`${logAt('build')}?from=5`, 'aside\n'],
      [`${paths.file('acme/app', 1, 'build')}?path=index.html`, '<script>alert(document.cookie)</script>'],
    ];
    for (const [path, text] of others) {
      const answer = await ask(server.url, path, { as: 'account:eve' });
      assert.deepEqual([answer.status, answer.text], [200, text], path);
    }
  });

  it('are gone when they are gone, and fail with a word about it where S3 does not give them', async () => {
    const client = server.as('account:eve');
    proxy.refuse();
    await assert.rejects(client.artifacts('acme/app', 1, 'build'), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'DOWNLOAD_FAILED');
      assert.ok(error.message.includes(proxy.endpoint) && !error.message.includes('X-Amz'), error.message);
      return true;
    });
    proxy.pass();
    await objects.remove(`run/${run}/build.zip`);
    await assert.rejects(client.artifacts('acme/app', 1, 'build'), { code: 'FILES_GONE', status: 410 });
    await assert.rejects(client.document('acme/app', 1, 'none'), { code: 'DOCUMENT_NONE', status: 404 });
  });
});

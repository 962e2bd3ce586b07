import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3';
import { fromBuffer } from 'yauzl';
import { freePort } from '../src/runtimes/docker/testing/free-port.ts';
import { type S3Server, type S3User, s3Server, users, whyNoS3 } from '../src/results/s3/testing/s3-server.ts';
import { cion, startCion } from './cli.ts';
import { directory, repository } from './repository.ts';

const pipeline = `
stages:
  login:
    image: busybox
    sensitive: true
    env: { FAKE_STDOUT: secret-token }
  build:
    image: busybox
    env: { FAKE_STDOUT: "built\\n", FAKE_STDERR: warned, FAKE_WRITE: '{"/cion/artifacts/app": "the app"}' }
  check:
    image: busybox
    needs: build
    may-fail: true
    env: { FAKE_STDOUT: no, FAKE_EXIT: "3" }
`;
const slow = `
stages:
  first:
    image: busybox
    env: { FAKE_STDOUT: hello }
  second:
    image: busybox
    needs: first
    env: { FAKE_STDOUT: later, FAKE_SLEEP_MS: "<ms>" }
`;
const afterMs = (ms: number): string => slow.replace('<ms>', String(ms));

describe('results in S3', { skip: whyNoS3() }, () => {
  let server: S3Server;
  let ada: S3Client;
  before(async () => {
    server = await s3Server();
    ada = server.client(users.ada);
  });
  after(() => server.close());

  const signed = (user: S3User = users.ada) => ({ AWS_ACCESS_KEY_ID: user.accessKeyId, AWS_SECRET_ACCESS_KEY: user.secretAccessKey });
  const to = (bucket: string, endpoint = server.endpoint) => ['--results', `s3://${bucket}`, '--results-endpoint', endpoint];
  const keysIn = async (bucket: string, client = ada): Promise<readonly string[]> =>
    ((await client.send(new ListObjectsV2Command({ Bucket: bucket }))).Contents ?? []).map(({ Key = '' }) => Key);
  const bytesOf = async (bucket: string, key: string): Promise<Buffer> =>
    Buffer.from((await (await ada.send(new GetObjectCommand({ Bucket: bucket, Key: key }))).Body?.transformToByteArray()) ?? []);
  const documentOf = async (bucket: string, key: string) => JSON.parse(String(await bytesOf(bucket, key)));
  const runOf = (cwd: string): string => readdirSync(join(cwd, '.cion/run')).find((name) => name.startsWith('run_')) ?? '';
  const untilThere = async (bucket: string, end: string): Promise<void> => {
    while (!(await keysIn(bucket)).some((key) => key.endsWith(end))) await pause(50);
  };

  it('has document, log and zip of each stage at the keys of the layout, all private (R-DCK-93, R-DCK-94, R-DCK-95, R-DCK-99, R-DCK-103)', async (t) => {
    const cwd = repository(t, { '.cion.yml': pipeline });
    const bucket = await server.bucket();
    const ended = await cion(['run', '--runtime', 'fake', ...to(bucket)], { cwd, env: signed() });
    assert.deepEqual([ended.code, ended.err], [0, '']);
    const run = runOf(cwd);
    const stages = ['build.json', 'build.log', 'build.zip', 'check.json', 'check.log', 'fetch.json', 'fetch.log', 'login.json'];
    const expected = [`${run}.json`, `${run}.out.zip`, ...stages.map((name) => `${run}/${name}`)].map((name) => `dockercise/run/${name}`);
    const keys = await keysIn(bucket);
    assert.deepEqual(keys, expected);
    for (const name of stages) {
      assert.deepEqual(await bytesOf(bucket, `dockercise/run/${run}/${name}`), readFileSync(join(cwd, '.cion/run', run, name)), name);
    }
    for (const key of keys) {
      assert.equal((await fetch(`${server.endpoint}/${bucket}/${key}`)).status, 403, key);
      await assert.rejects(server.client(users.bob).send(new GetObjectCommand({ Bucket: bucket, Key: key })), { name: 'AccessDenied' });
    }
    const [build, check] = [
      await documentOf(bucket, `dockercise/run/${run}/build.json`),
      await documentOf(bucket, `dockercise/run/${run}/check.json`),
    ];
    assert.deepEqual([build.status, check.status], ['winning', 'like-a-chump']);
    for (const path of [build.logs, build.artefact, check.logs]) assert.ok(keys.includes(`dockercise/${path}`), path);
    assert.equal(check.artefact, null);
    assert.ok(Date.parse(build.finished) >= Date.parse(build.started));
  });

  it("is at the build's own place where the place says so (R-WRK-88)", async (t) => {
    const cwd = repository(t, { '.cion.yml': pipeline });
    const bucket = await server.bucket();
    const args = ['run', '--runtime', 'fake', '--results', `s3://${bucket}/{build}`, '--results-endpoint', server.endpoint];
    await cion(args, { cwd, env: { ...signed(), BUILD_ID: 'b-17' } });
    const keys = await keysIn(bucket);
    assert.ok(
      keys.some((key) => /^b-17\/run\/[^/]+\/build\.zip$/.test(key)),
      keys.join('\n'),
    );
    assert.ok(
      keys.every((key) => key.startsWith('b-17/')),
      keys.join('\n'),
    );
  });

  it('has an index of stages and edges with outcomes, and the stdout of each stage in a zip, secrets left out (R-DCK-48, R-DCK-104)', async (t) => {
    const cwd = repository(t, { '.cion.yml': pipeline });
    const bucket = await server.bucket();
    await cion(['run', '--runtime', 'fake', '--results', `s3://${bucket}/my/place`], {
      cwd,
      env: { ...signed(), AWS_ENDPOINT_URL_S3: server.endpoint },
    });
    const run = runOf(cwd);
    const index = await documentOf(bucket, `my/place/run/${run}.json`);
    assert.deepEqual([index.status, index.outcome], ['winning', 'passed']);
    assert.deepEqual(
      index.stages.map(({ name, outcome, document }: Record<string, string>) => [name, outcome, document]),
      [
        ['login', 'passed', `run/${run}/login.json`],
        ['build', 'passed', `run/${run}/build.json`],
        ['check', 'failed', `run/${run}/check.json`],
      ],
    );
    assert.deepEqual(index.edges, [{ from: 'build', to: 'check', on: 'passed' }]);
    const out = await bytesOf(bucket, `my/place/run/${run}.out.zip`);
    assert.deepEqual(await unzipped(out), { 'out/build': 'built\n', 'out/check': 'no' });
    assert.ok(!out.includes('secret-token'));
    assert.deepEqual(
      readdirSync(join(cwd, '.cion'), { recursive: true }).filter((name) => String(name).endsWith('out.zip')),
      [],
    );
  });

  it('has the index and what has ended while the run goes on, and of a running stage name and start only (R-DCK-80, R-DCK-81, R-DCK-97, R-DCK-98, R-DCK-104)', async (t) => {
    const cwd = repository(t, { '.cion.yml': afterMs(600_000) });
    const bucket = await server.bucket();
    const running = startCion(['run', '--runtime', 'fake', ...to(bucket)], { cwd, env: signed() });
    await running.wrote('second  : Started');
    await untilThere(bucket, '/first.log');
    await untilThere(bucket, '/second.json');
    await untilThere(bucket, '.json');
    const run = runOf(cwd);
    const prior = await documentOf(bucket, `dockercise/run/${run}/second.json`);
    assert.deepEqual(Object.keys(prior), ['name', 'started']);
    assert.equal(String(await bytesOf(bucket, `dockercise/run/${run}/first.log`)), 'hello');
    const index = await documentOf(bucket, `dockercise/run/${run}.json`);
    assert.deepEqual([index.edges, index.outcome], [[{ from: 'first', to: 'second', on: 'passed' }], undefined]);
    assert.equal(running.process.exitCode, null);
    running.process.kill('SIGINT');
    assert.equal((await running.ended).code, 130);
    const final = await documentOf(bucket, `dockercise/run/${run}/second.json`);
    assert.deepEqual([final.name, final.started, final.status], [prior.name, prior.started, 'like-a-chump']);
    assert.match(final.finished, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  it('signs with the credentials of AWS_PROFILE, and a profile that may not write is one warning and no more (R-DCK-12, R-DCK-13)', async (t) => {
    const cwd = repository(t, { '.cion.yml': pipeline });
    const section = ([name, { accessKeyId, secretAccessKey }]: readonly [string, S3User]) =>
      `[${name}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
    const HOME = directory(t, { '.aws/credentials': Object.entries(users).map(section).join('') });
    const bob = server.client(users.bob);
    const [adas, bobs] = [await server.bucket(), `bob-${(await server.bucket()).slice(5)}`];
    await bob.send(new CreateBucketCommand({ Bucket: bobs }));
    const runAs = (AWS_PROFILE: string, bucket: string) =>
      cion(['run', '--runtime', 'fake', ...to(bucket)], { cwd, env: { HOME, AWS_PROFILE } });

    assert.deepEqual([(await runAs('bob', bobs)).err, (await runAs('ada', adas)).err], ['', '']);
    assert.equal((await keysIn(bobs, bob)).length, 10);
    const owners = await ada.send(new ListObjectsV2Command({ Bucket: adas, FetchOwner: true }));
    assert.deepEqual(new Set(owners.Contents?.map(({ Owner }) => Owner?.ID)), new Set(['ada']));

    const denied = await runAs('bob', adas);
    assert.equal(denied.code, 0);
    assert.match(denied.err, /closed to these credentials: .*AccessDenied.*403.*\[RESULTS_DENIED\]/);
    assert.match(denied.err, /AWS_PROFILE is bob\./);
    assert.equal(denied.err.match(/RESULTS_DENIED/g)?.length, 1);
    assert.equal(denied.err.match(/^cion:/gm)?.length, 1);
    assert.equal((await keysIn(adas)).length, 10);

    const push = (AWS_PROFILE: string) => cion(['results', 'push'], { cwd, env: { HOME, AWS_PROFILE } });
    const refused = await push('bob');
    assert.equal(refused.code, 3);
    assert.match(refused.out, /Not all results of run 3 could be uploaded/);
    assert.equal((await push('ada')).code, 0);
    assert.equal((await keysIn(adas)).length, 20);
    assert.match((await push('ada')).out, /All that was to be uploaded is/);
  });

  it('loses nothing when the bucket goes away meanwhile, and push brings all of it there afterwards', async (t) => {
    const cwd = repository(t, { '.cion.yml': afterMs(4000) });
    const bucket = await server.bucket();
    const running = startCion(['run', '--runtime', 'fake', ...to(bucket)], { cwd, env: signed() });
    await untilThere(bucket, '/first.log');
    await running.wrote('second  : Started');
    await untilThere(bucket, '/second.json');
    for (const Key of await keysIn(bucket)) await ada.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
    await ada.send(new DeleteBucketCommand({ Bucket: bucket }));
    const { code, stderr } = await running.ended;
    assert.equal(code, 0);
    assert.equal(String(stderr).match(/\[RESULTS_NO_BUCKET\]/g)?.length, 1, String(stderr));
    const run = runOf(cwd);
    assert.equal(readFileSync(join(cwd, '.cion/run', run, 'second.log'), 'utf8'), 'later');
    assert.equal((await cion(['results', 'push'], { cwd, env: signed() })).code, 3);
    await ada.send(new CreateBucketCommand({ Bucket: bucket }));
    const pushed = await cion(['results', 'push', '1'], { cwd, env: signed() });
    assert.deepEqual([pushed.code, pushed.err], [0, '']);
    const names = ['first.json', 'first.log', 'second.json', 'second.log'].map((name) => `dockercise/run/${run}/${name}`);
    assert.deepEqual(
      (await keysIn(bucket)).filter((key) => /(first|second)\./.test(key)),
      names,
    );
    assert.equal(String(await bytesOf(bucket, `dockercise/run/${run}/second.log`)), 'later');
  });

  it('is told once that no server answers, and the run is as it would have been', async (t) => {
    const cwd = repository(t, { '.cion.yml': pipeline });
    const ended = await cion(['run', '--runtime', 'fake', ...to('anywhere', `http://127.0.0.1:${await freePort()}`)], {
      cwd,
      env: signed(),
    });
    assert.equal(ended.code, 0);
    assert.equal(ended.err.match(/ECONNREFUSED.*\[RESULTS_UNREACHABLE\]/g)?.length, 1, ended.err);
    assert.equal(ended.err.match(/^cion:/gm)?.length, 1);
  });

  it('goes on in the same place when the run is run again or resumed, past attempts under their own names', async (t) => {
    const cwd = repository(t, { '.cion.yml': afterMs(600_000) });
    const bucket = await server.bucket();
    const env = signed();
    const running = startCion(['run', '--runtime', 'fake', ...to(bucket)], { cwd, env });
    await running.wrote('second  : Started');
    running.process.kill('SIGKILL');
    await running.ended;
    const resumed = await cion(['resume', '--runtime', 'fake'], { cwd, env });
    assert.equal(resumed.code, 3, resumed.err);
    const run = runOf(cwd);
    const index = await documentOf(bucket, `dockercise/run/${run}.json`);
    assert.deepEqual([index.outcome, index.stages[0].outcome], ['errored', 'passed']);
    const again = startCion(['rerun', '--runtime', 'fake'], { cwd, env });
    await again.wrote('second  : Started');
    again.process.kill('SIGINT');
    assert.equal((await again.ended).code, 130);
    const keys = (await keysIn(bucket)).filter((key) => /(first|second)/.test(key)).map((key) => key.split('/').at(-1));
    assert.deepEqual(keys, ['first.json', 'first.log', 'first@1.json', 'first@1.log', 'second.json', 'second.log', 'second@1.json']);
    assert.deepEqual((await documentOf(bucket, `dockercise/run/${run}/first@1.json`)).logs, `run/${run}/first@1.log`);
  });

  it('refuses what is no place before anything runs, and a push without a place', async (t) => {
    const cwd = repository(t, { '.cion.yml': pipeline });
    for (const place of ['bucket', 's3://', 's3://UPPER', 'https://bucket']) {
      const refused = await cion(['run', '--runtime', 'fake', '--results', place], { cwd });
      assert.equal(refused.code, 2, place);
      assert.match(refused.err, /is no place for results\. \[USAGE\]/);
    }
    assert.equal((await cion(['run', '--runtime', 'fake'], { cwd })).code, 0);
    const refused = await cion(['results', 'push', '1'], { cwd });
    assert.equal(refused.code, 2);
    assert.match(refused.err, /\[NO_PLACE\]/);
    assert.equal((await cion(['results', 'push'], { cwd })).code, 0);
    const bucket = await server.bucket();
    const pushed = await cion(['results', 'push', '1', ...to(bucket)], { cwd, env: signed() });
    assert.deepEqual([pushed.code, (await keysIn(bucket)).length], [0, 10]);
  });
});

it('loads nothing of S3 for help or for a run without it', async (t) => {
  const cwd = repository(t, { '.cion.yml': pipeline });
  const watch = `import { registerHooks } from 'node:module';
    registerHooks({ resolve(name, context, next) { if (/aws|smithy/.test(name)) console.error('loads ' + name); return next(name, context); } });`;
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(watch)}` };
  for (const args of [['--help'], ['run', '--runtime', 'fake']]) {
    const { code, err } = await cion(args, { cwd, env });
    assert.deepEqual([code, err], [0, ''], args.join(' '));
  }
  const { err } = await cion(['run', '--runtime', 'fake', '--results', 's3://bucket', '--results-endpoint', 'http://127.0.0.1:1'], {
    cwd,
    env,
  });
  assert.match(err, /loads @aws-sdk\/client-s3/);
});

const unzipped = (bytes: Buffer): Promise<Readonly<Record<string, string>>> =>
  new Promise((resolve, reject) => {
    fromBuffer(bytes, { lazyEntries: true }, (failure, zip) => {
      if (failure) return reject(failure);
      const found: Record<string, string> = {};
      zip.on('error', reject).on('end', () => resolve(found));
      zip.on('entry', (entry) => {
        zip.openReadStream(entry, (error, stream) => {
          if (error) return reject(error);
          text(stream).then((content) => {
            found[entry.fileName] = content;
            zip.readEntry();
          }, reject);
        });
      });
      zip.readEntry();
    });
  });

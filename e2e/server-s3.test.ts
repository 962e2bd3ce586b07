import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { type S3Server, s3Server, users, whyNoS3 } from '../src/results/s3/testing/s3-server.ts';
import { cion } from './cli.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const credentials = { AWS_ACCESS_KEY_ID: users.ada.accessKeyId, AWS_SECRET_ACCESS_KEY: users.ada.secretAccessKey };

describe('a server whose results are in S3', { timeout: 240_000, skip: whyNoS3() }, () => {
  let s3: S3Server;
  let bucket: string;
  let server: ServerProcess;
  before(async () => {
    s3 = await s3Server();
    bucket = await s3.bucket();
    server = await startServer({
      args: ['--slots', '0', '--results', `s3://${bucket}`, '--results-endpoint', s3.endpoint],
      env: credentials,
    });
  });
  after(async () => {
    await server.close();
    s3.close();
  });

  const keys = async (): Promise<readonly string[]> =>
    ((await s3.client(users.ada).send(new ListObjectsV2Command({ Bucket: bucket }))).Contents ?? []).map(({ Key = '' }) => Key);
  const untilThere = async (key: string): Promise<void> => {
    while (!(await keys()).includes(key)) await pause(50);
  };
  const textOf = async (key: string): Promise<string> =>
    (await (await s3.client(users.ada).send(new GetObjectCommand({ Bucket: bucket, Key: key }))).Body?.transformToString('latin1')) ?? '';

  it('has document, log and zip of each stage at the keys of the layout, and hands files from a worker to another there (R-DCK-93, R-DCK-94, R-DCK-95, R-WRK-68)', async () => {
    const project = await server.project('acme/s3', {
      'a.dockercise.yaml': `
build: { img: busybox, run: 'mkdir build; echo made > build/app; echo said; echo aside >&2' }
quiet: { img: busybox, after: build, run: echo nothing kept }
release: { img: busybox, vol: build, after: [quiet, human-click], run: 'cat build/app; exit 3' }
`,
    });
    await project.push('main');
    await server.begun('acme/s3', 1);
    const first = await server.worker();
    await server.until('acme/s3', 1, ({ kind }) => kind === 'gate.opened');
    await first.stop();
    const waiting = await server.client.run('acme/s3', 1);
    const gate = waiting.nodes.find(({ kind }) => kind === 'gate');
    assert.ok(gate?.kind === 'gate');
    const second = await server.worker();
    const { digest = '' } = waiting;
    await server.client.decide('acme/s3', 1, gate.name, { decision: 'approved', digest, openedAt: gate.openedAt ?? 0 });
    const { run, outcome, nodes } = await server.ended('acme/s3', 1);
    assert.equal(outcome, 'failed');
    assert.deepEqual(
      nodes.flatMap((node) => (node.kind === 'stage' ? [[node.name, node.attempts[0]?.worker]] : [])),
      [
        ['build', first.name],
        ['quiet', first.name],
        ['release', second.name],
      ],
    );
    await second.stop();
    const at = (name: string): string => `dockercise/run/${run}/${name}`;
    await untilThere(`dockercise/run/${run}.out.zip`);
    const there = (await keys()).filter((key) => key.startsWith(at('')));
    const stages = ['build.json', 'build.log', 'build.zip', 'fetch.json', 'fetch.log', 'quiet.json', 'quiet.log'];
    assert.deepEqual(there, [...stages, 'release.json', 'release.log'].map(at));
    assert.equal((await textOf(at('build.log'))).split('\n').toSorted().join(' '), ' aside said');
    assert.equal(await textOf(at('release.log')), 'made\n');
    assert.match(await textOf(at('build.zip')), /^PK\x03\x04/);
    const document = JSON.parse(await textOf(at('release.json'))) as Readonly<Record<string, unknown>>;
    assert.deepEqual(
      [document['name'], document['status'], document['exitCode'], document['logs'], document['artefact']],
      ['release', 'like-a-chump', 3, `run/${run}/release.log`, null],
    );
    assert.equal(await server.text('acme/s3', 1, 'release'), 'made\n');
    const [file] = await server.client.files('acme/s3', 1, 'build');
    assert.equal(await (await server.client.file('acme/s3', 1, 'build', file?.path ?? '')).text(), 'made\n');
  });

  it('goes on after a kill -9 with a log that is partly there, and loses nothing of it (atk-71)', async () => {
    const lines = 400;
    const project = await server.project('acme/long', {
      '.cion.yml': `build:\n  image: busybox\n  run: i=0; while [ $i -lt ${lines} ]; do echo "line $i"; i=$((i+1)); [ $((i % 20)) = 0 ] && sleep 0.2; done; true\n`,
    });
    await project.push('main');
    await server.begun('acme/long', 1);
    const worker = await server.worker();
    const enough = new AbortController();
    await server.until('acme/long', 1, ({ kind }) => kind === 'stage.started');
    for await (const { end } of server.client.followLog('acme/long', 1, 'build', { from: 0 }, enough.signal)) if (end > 300) break;
    enough.abort();
    await server.kill();
    await server.start();
    assert.equal((await server.ended('acme/long', 1)).outcome, 'passed');
    assert.equal(await server.text('acme/long', 1, 'build'), Array.from({ length: lines }, (_, n) => `line ${n}\n`).join(''));
    await worker.stop();
  });

  it('has the same keys as cion run has for the same commit, and the same index (R-DCK-48, R-DCK-104)', async () => {
    const project = await server.project('acme/same', {
      '.cion.yml': `
stages:
  build: { image: busybox, env: { FAKE_STDOUT: "built\\n", FAKE_STDERR: warned, FAKE_WRITE: '{"/cion/artifacts/app": "the app"}' } }
  login: { image: busybox, sensitive: true, env: { FAKE_STDOUT: secret-token } }
  check: { image: busybox, needs: build, retry: 2, env: { FAKE_STDOUT: no, FAKE_EXIT: "3" } }
  after: { image: busybox, needs: check }
`,
    });
    await project.push('main');
    await server.begun('acme/same', 1);
    const worker = await server.worker(['--runtime', 'fake']);
    await server.until('acme/same', 1, ({ kind }) => kind === 'run.planned');
    const { run } = await server.client.run('acme/same', 1);
    await untilThere(`dockercise/run/${run}.json`);
    assert.equal((await server.ended('acme/same', 1)).outcome, 'failed');
    await worker.stop();
    const args = ['run', '--runtime', 'fake', '--keep-going', '--results', `s3://${bucket}/local`, '--results-endpoint', s3.endpoint];
    const local = await cion(args, { cwd: project.work, env: credentials });
    assert.equal(local.code, 1, local.err);
    await untilThere(`dockercise/run/${run}.out.zip`);
    const shapes = async (start: string): Promise<readonly string[]> =>
      (await keys()).flatMap((key) => (key.startsWith(start) ? [key.replace(/^.*run_[^./]+/, 'RUN')] : []));
    const [here, there] = [await shapes('local/run/'), await shapes(`dockercise/run/${run}`)];
    assert.deepEqual(there, here);
    assert.ok(
      ['RUN.json', 'RUN.out.zip', 'RUN/check@1.log'].every((key) => here.includes(key)),
      here.join(),
    );
    const indexes = (await keys()).filter((key) => key.startsWith('local/run/') && /run_\w+\.json$/.test(key));
    const known = ({ pipeline, status, outcome, commit, branch, stages, edges }: Record<string, unknown>, id: string) =>
      JSON.parse(JSON.stringify({ pipeline, status, outcome, commit, branch, stages, edges }).replaceAll(id, 'RUN')) as unknown;
    const [own = ''] = indexes;
    assert.deepEqual(
      known(JSON.parse(await textOf(`dockercise/run/${run}.json`)), run),
      known(JSON.parse(await textOf(own)), own.slice('local/run/'.length, -'.json'.length)),
    );
  });

  it('has the code of steps where workers look for it', async () => {
    const project = await server.project('acme/steps', {
      'wercker.yml':
        'box: busybox\nbuild:\n  steps:\n    - create-file:\n        filename: $WERCKER_OUTPUT_DIR/made\n        content: by a step\n',
    });
    await project.push('main');
    await server.begun('acme/steps', 1);
    const worker = await server.worker();
    const { outcome } = await server.ended('acme/steps', 1);
    assert.equal(outcome, 'passed', JSON.stringify(await server.client.events('acme/steps', 1)).slice(-800));
    await worker.stop();
  });
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it, type TestContext } from 'node:test';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { type S3Server, s3Server, users, whyNoS3 } from '../src/results/s3/testing/s3-server.ts';
import { dockerciseFor } from './dockercise-project.ts';
import { repository } from './repository.ts';

describe('results of dockercise in S3', { skip: whyNoS3() }, () => {
  const undone: (() => Promise<void>)[] = [];
  const dockercise = dockerciseFor('s3', { after: (undo) => void undone.push(undo) });
  let server: S3Server;
  before(async () => {
    server = await s3Server();
  });
  after(async () => {
    server.close();
    for (const undo of undone) await undo();
  });

  const volumes = (): readonly string[] =>
    execFileSync(
      'docker',
      ['volume', 'ls', '--quiet', '--filter', `label=cion.namespace=${dockercise.namespace}`, '--filter', 'label=cion.run'],
      {
        encoding: 'utf8',
      },
    )
      .split('\n')
      .filter((name) => name !== '');

  it('puts log, zip and document of a stage there while its path still exists, and then the path goes, pass or fail (R-DCK-59, R-DCK-60)', async (t) => {
    const bucket = await server.bucket();
    const seen: { readonly put: string; readonly volumes: number }[] = [];
    const endpoint = await watched(t, server.endpoint, (put) => seen.push({ put, volumes: volumes().length }));
    const cwd = repository(t, {
      'a.dockercise.yaml': `
passes: { img: busybox, run: echo passed; mkdir passes; echo x > passes/file }
fails: { img: busybox, after: passes, run: echo failed; mkdir fails; echo x > fails/file; exit 1 }
`,
    });
    const env = { AWS_ACCESS_KEY_ID: users.ada.accessKeyId, AWS_SECRET_ACCESS_KEY: users.ada.secretAccessKey };
    const { code, out, err } = await dockercise.run(cwd, ['run', '--results', `s3://${bucket}`, '--results-endpoint', endpoint], env);
    assert.equal(code, 1, out + err);
    assert.deepEqual(volumes(), []);
    const keys = ((await server.client(users.ada).send(new ListObjectsV2Command({ Bucket: bucket }))).Contents ?? []).map(
      ({ Key = '' }) => Key,
    );
    for (const name of ['passes', 'fails'].flatMap((stage) => [`${stage}.log`, `${stage}.zip`, `${stage}.json`])) {
      assert.ok(
        keys.some((key) => key.endsWith(`/${name}`)),
        name,
      );
      const puts = seen.filter(({ put }) => put.endsWith(`/${name}`));
      assert.ok(puts.length > 0 && puts.every((one) => one.volumes > 0), `${name}: ${JSON.stringify(puts)}`);
    }
  });
});

/** Hands all on to the server, and tells of each object before the first byte of it goes there. */
const watched = async (t: TestContext, endpoint: string, onPut: (path: string) => void): Promise<string> => {
  const { hostname, port } = new URL(endpoint);
  const proxy = createServer((socket) => {
    const target = connect(Number(port), hostname);
    socket.on('data', (bytes: Buffer) => {
      for (const [, path = ''] of bytes.toString('latin1').matchAll(/^PUT (\S+?)(?:\?\S*)? HTTP/gm)) onPut(decodeURIComponent(path));
      target.write(bytes);
    });
    target.on('data', (bytes: Buffer) => socket.write(bytes));
    for (const [one, other] of [
      [socket, target],
      [target, socket],
    ] as const) {
      one.on('close', () => other.destroy()).on('error', () => other.destroy());
    }
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.after(() => void proxy.close());
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
};

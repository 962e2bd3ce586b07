import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type S3Proxy, s3Proxy } from '../src/results/s3/testing/s3-proxy.ts';
import { type S3Server, s3Server, users, whyNoS3 } from '../src/results/s3/testing/s3-server.ts';
import { cion } from './cli.ts';
import { type ServerProcess, startServer } from './server-process.ts';

describe('a server that sends users and workers to S3', { timeout: 240_000, skip: whyNoS3() }, () => {
  let s3: S3Server;
  let proxy: S3Proxy;
  let server: ServerProcess;
  before(async () => {
    s3 = await s3Server();
    proxy = await s3Proxy(s3.endpoint);
    server = await startServer({
      args: ['--slots', '0', '--results', `s3://${await s3.bucket()}`, '--results-endpoint', proxy.endpoint, '--presign', 'all'],
      env: { AWS_ACCESS_KEY_ID: users.ada.accessKeyId, AWS_SECRET_ACCESS_KEY: users.ada.secretAccessKey },
    });
  });
  after(async () => {
    await server.close();
    await proxy.close();
    s3.close();
  });

  it('hands files from one worker to another and to people past itself, and S3 is told no token of ours (atk-45)', async () => {
    const project = await server.project('acme/direct', {
      'a.dockercise.yaml': `
build: { img: busybox, run: 'mkdir build; echo made > build/app; echo said' }
release: { img: busybox, vol: build, after: [build, human-click], run: 'cat build/app' }
`,
    });
    await project.push('main');
    await server.begun('acme/direct', 1);
    const first = await server.worker();
    await server.until('acme/direct', 1, ({ kind }) => kind === 'gate.opened');
    await first.stop();
    const { nodes, digest = '' } = await server.client.run('acme/direct', 1);
    const gate = nodes.find(({ kind }) => kind === 'gate');
    assert.ok(gate?.kind === 'gate');
    const second = await server.worker();
    await server.client.decide('acme/direct', 1, gate.name, { decision: 'approved', digest, openedAt: gate.openedAt ?? 0 });
    assert.equal((await server.ended('acme/direct', 1)).outcome, 'passed');
    await second.stop();
    assert.equal(await server.text('acme/direct', 1, 'release'), 'made\n');
    const remote = { cwd: server.cwd, env: { CION_SERVER: server.url, CION_TOKEN: server.token } };
    const got = await cion(['artifacts', '1', 'build', '--get', 'app', '--on', 'acme/direct', '--server', server.url], remote);
    assert.deepEqual([got.err, got.out], ['', 'made\n']);

    const signed = proxy.seen.filter(({ path }) => path.includes('X-Amz-Signature='));
    for (const [method, part] of [
      ['PUT', '/uploads/run_'],
      ['GET', '/trees/'],
      ['GET', '/build.zip?'],
      ['GET', '/release.log?'],
    ] as const) {
      assert.ok(
        signed.some((request) => request.method === method && request.path.includes(part)),
        `${method} ${part}`,
      );
    }
    assert.ok(signed.every(({ headers }) => headers.authorization === undefined && headers.cookie === undefined));
    assert.ok(!JSON.stringify(proxy.seen).includes(server.token) && !/cion_(?!e2e)\w+_\w{20}/.test(JSON.stringify(proxy.seen)));
  });

  it('goes on when S3 has answered 503 for a while: what ran, what ended and what came meanwhile passes, each line of it once (atk-75)', async () => {
    const lines = 40;
    const project = await server.project('acme/away', {
      '.cion.yml': `build:\n  image: busybox\n  run: i=0; while [ $i -lt ${lines} ]; do echo "line $i"; i=$((i+1)); sleep 0.1; done\ntest: { image: busybox, run: ls .cion.yml }\n`,
    });
    await project.push('main');
    await server.begun('acme/away', 1);
    const worker = await server.worker();
    await server.until('acme/away', 1, (event) => event.kind === 'stage.started' && event.stage === 'build');
    proxy.refuse();
    project.commit({ 'more.txt': 'more' });
    await project.push('main');
    await server.begun('acme/away', 2);
    await server.until(
      'acme/away',
      2,
      (event) => event.kind === 'run.noted' && /wait for the place of the results: s3:.*503/.test(event.text),
    );
    const health = (await (await server.ask('GET', '/healthz')).json()) as Record<string, unknown>;
    assert.deepEqual([health['database'], health['results']], ['reachable', 'unreachable']);
    const why = await server.client.why('acme/away', 1, 'build');
    assert.match(why.join(' '), /It runs on \w+\. What is to be kept waits since .*503/);
    // Longer than the command takes, and than the SDK tries.
    await pause(8000);
    assert.notEqual((await server.client.run('acme/away', 1)).phase, 'finished');
    proxy.pass();
    for (const number of [1, 2]) {
      const { outcome, nodes } = await server.ended('acme/away', number);
      assert.equal(outcome, 'passed');
      for (const node of nodes) assert.equal(node.kind === 'stage' && node.attempts.length, 1);
      assert.equal(await server.text('acme/away', number, 'build'), Array.from({ length: lines }, (_, n) => `line ${n}\n`).join(''));
    }
    assert.match(server.said(), /what is to be kept waits: s3:.*503[\s\S]*the results can be reached again/);
    await worker.stop();
  });
});

import assert from 'node:assert/strict';
import { chmodSync, chownSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { root } from '../scripts/setup/root.mjs';
import { s3Server, users, whyNoS3 } from '../src/results/s3/testing/s3-server.ts';
import { askServer } from './ask-server.ts';
import { cion } from './cli.ts';
import { composeStack, whyNoCompose } from './compose-stack.ts';
import { containedServer, docker, freePort, removeLabelled } from './contained-server.ts';
import { addressForContainers, archiveOf, buildImage, engineSocket, inspect, runContainer } from './engine.ts';
import { firstAdmin } from './first-admin.ts';
import { forwardedSocket } from './forwarded-socket.ts';
import { sshProject } from './git-project.ts';
import { machineImage } from './machine-image.ts';
import { whyNoPostgresImage } from './postgres-image.ts';
import { repository } from './repository.ts';
import { whyNoSsh } from './ssh-server.ts';

/** The image of the Dockerfile, built as anybody builds it, on a base that is made of this machine. */
const namespace = `image-${process.pid}`;
const env = [`CION_NAMESPACE=${namespace}`];
const skip = engineSocket === undefined && 'the engine has no socket on this machine';
const address = await addressForContainers();
const noServer = skip || whyNoSsh() || (address === undefined && 'the engine’s bridge is not on this machine');
let image = '';

/** All that `docker build .` would send: .dockerignore keeps everything out but what it names. */
const context = (): Buffer => {
  const [everything, ...kept] = readFileSync(join(root, '.dockerignore'), 'utf8').trim().split('\n');
  assert.equal(everything, '*');
  return archiveOf(root, ['Dockerfile', ...kept.map((line) => line.slice(1))]);
};

const undone: (() => Promise<void>)[] = [];
const suite = { after: (undo: () => Promise<void>) => void undone.push(undo) };
after(async () => {
  await cion(['clean', '--all-projects'], { cwd: tmpdir(), env: { CION_NAMESPACE: namespace } });
  for (const undo of undone) await undo();
});
before(async () => {
  if (skip) return;
  const base = await machineImage(suite, `cion-e2e/base-${process.pid}`, ['git', 'ssh', 'setpriv']);
  image = await buildImage(suite, `cion-e2e/cion-${process.pid}`, context(), { args: { BASE: base }, network: 'host' });
});
const config = {
  stages: {
    make: { image: 'busybox:latest', run: 'cat page.txt > "$ARTIFACTS_DIR/page.txt"; echo made' },
    look: { image: 'busybox:latest', needs: 'make', run: 'echo "saw $(cat /cion/inputs/make/page.txt)"' },
  },
};

/** A project that belongs to somebody who is not root. */
const project = (t: TestContext, owner: number): string => {
  const path = repository(t, { '.cion.yml': JSON.stringify(config), 'page.txt': 'a page' });
  for (const entry of [path, ...readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => join(path, name))]) {
    chownSync(entry, owner, owner);
  }
  chmodSync(path, 0o755);
  return path;
};

const owners = (path: string): readonly number[] => {
  const all = readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => statSync(join(path, name)).uid);
  return [...new Set([statSync(path).uid, ...all])];
};

const mounted = (path: string) => ({ binds: [`${engineSocket}:/var/run/docker.sock`, `${path}:/project`], workdir: '/project' });

test('with nothing but the image and a Docker socket a pipeline runs, and what it leaves belongs to the owner of the project (R-DCK-65)', {
  skip,
}, async (t) => {
  const path = project(t, 4321);
  const { code, output } = await runContainer({ image, command: ['run'], env, ...mounted(path) });
  assert.equal(code, 0, output);
  assert.match(output, /Run 1 passed/);
  assert.deepEqual(owners(join(path, '.cion')), [4321]);
  const seen = await cion(['logs', '1', 'look'], { cwd: path, env: { CION_NAMESPACE: namespace } });
  assert.deepEqual([seen.out, seen.err], ['saw a page\n', '']);
  const again = await runContainer({ image, command: ['show', '1'], env, ...mounted(path) });
  assert.match(again.output, /look/);
});

test('it runs as the user who is given, also where the project is somebody else’s, and ends as cion ends', { skip }, async (t) => {
  const path = project(t, 4321);
  const group = String(statSync(engineSocket ?? '').gid);
  const mine = await runContainer({ image, command: ['run', 'make'], env, user: '4321:4321', groups: [group], ...mounted(path) });
  assert.equal(mine.code, 0, mine.output);
  assert.deepEqual(owners(join(path, '.cion')), [4321]);
  const other = await runContainer({ image, command: ['plan', '--commit', 'main'], env, user: '1234:1234', ...mounted(path) });
  assert.equal(other.code, 0, other.output);
  const unknown = await runContainer({ image, command: ['run', 'nonsense'], env, ...mounted(path) });
  assert.equal(unknown.code, 2, unknown.output);
});

test('an engine behind TCP is as good: no path of the machine is assumed', { skip }, async (t) => {
  if (address === undefined) return t.skip('the engine’s bridge is not on this machine');
  const port = await forwardedSocket(t, engineSocket ?? '', address);
  const path = project(t, 4321);
  const { code, output } = await runContainer({
    image,
    command: ['run', '--plain'],
    env: [...env, `DOCKER_HOST=tcp://${address}:${port}`],
    binds: [`${path}:/project`],
    workdir: '/project',
  });
  assert.equal(code, 0, output);
  assert.match(output, /saw a page/);
});

test('the image is labelled, has git and ssh, and adds little to its base', { skip }, async () => {
  type Image = { readonly Size: number; readonly Config: { readonly Labels: Readonly<Record<string, string>> } };
  const [made, base] = await Promise.all([
    inspect<Image>(`/images/${image}/json`),
    inspect<Image>(`/images/cion-e2e/base-${process.pid}:1/json`),
  ]);
  assert.equal(made.Config.Labels['org.opencontainers.image.title'], 'cion');
  assert.ok(made.Size - base.Size < 110_000_000, `${made.Size - base.Size} bytes`);
  const { code, output } = await runContainer({ image, command: ['-c', 'git --version && ssh -V'], entrypoint: ['sh'] });
  assert.equal(code, 0, output);
});

const long = 'echo begun; sleep 6; echo ended';
const serverConfig = (run: string) => ({ '.cion.yml': JSON.stringify({ stages: { make: { image: 'busybox:latest', run } } }) });

test('a server of the image takes a push to a passed run, from nothing; what runs when it ends goes on in a newer image with its volume', {
  skip: noServer,
}, async (t) => {
  const server = await containedServer(t, { socket: engineSocket ?? '', address: address ?? '' });
  const first = await server.serve(image, 'first');
  const asking = await server.asked(first);
  const project = await server.project(asking, 'acme/app', serverConfig('echo made'));
  await project.push('main');
  await asking.begun('acme/app', 1);
  assert.equal((await asking.ended('acme/app', 1)).outcome, 'passed');
  assert.equal(await asking.text('acme/app', 1, 'make'), 'made\n');
  assert.equal(await docker('exec', first, 'cion-healthy'), '');
  assert.equal(await docker('exec', first, 'stat', '-c', '%u %g', '/proc/1', '/data/server.key'), '8420 8420\n8420 8420');

  project.commit(serverConfig(long));
  await project.push('main');
  await asking.begun('acme/app', 2);
  await asking.until('acme/app', 2, ({ kind }) => kind === 'stage.started');
  assert.equal(await server.stop(first), 0, await server.said(first));
  const newer = `cion-e2e/newer-${process.pid}:1`;
  await docker('commit', '--change', 'LABEL newer=1', first, newer);
  t.after(() => docker('image', 'rm', '--force', newer));
  await docker('rm', first);
  const second = await server.serve(newer, 'second', ['--read-only', '--tmpfs', '/tmp']);
  const { outcome, nodes } = await asking.ended('acme/app', 2);
  const attempts = nodes.flatMap((node) => (node.kind === 'stage' ? node.attempts.map(({ attempt }) => attempt) : []));
  assert.deepEqual([outcome, attempts], ['passed', [1]]);
  assert.equal(await asking.text('acme/app', 2, 'make'), 'begun\nended\n');

  await docker('kill', second);
  await docker('start', second);
  project.commit(serverConfig('echo again'));
  while ((await fetch(`${server.url}/healthz`).catch(() => undefined))?.status !== 200) await sleep(100);
  await project.push('main');
  await asking.begun('acme/app', 3);
  assert.equal((await asking.ended('acme/app', 3)).outcome, 'passed');
  const states = await docker('exec', second, 'sh', '-c', 'cat /proc/[0-9]*/stat');
  assert.doesNotMatch(states, /\) Z /);
  assert.equal(await server.stop(second), 0);
});

test('a worker of the image ends, when it is asked to, after what it runs; then its name and volume are another’s to go on with', {
  skip: noServer,
}, async (t) => {
  const server = await containedServer(t, { socket: engineSocket ?? '', address: address ?? '' });
  const serving = await server.serve(image, 'server', ['--env', 'CION_SLOTS=0']);
  const asking = await server.asked(serving);
  const { token } = await asking.asked<{ readonly token: string }>('POST', '/api/workers/tokens', { name: 'one' });
  const work = (name: string): Promise<string> =>
    server.start(
      image,
      name,
      ['work', '--server', 'http://server:8420', '--insecure-http', '--name', 'one'],
      ['--env', `CION_WORKER_TOKEN=${token}`, '--volume', `${server.id}-one:/data`],
    );
  const first = await work('one');
  t.after(() => docker('volume', 'rm', '--force', `${server.id}-one`));
  const project = await server.project(asking, 'acme/app', serverConfig(long));
  await project.push('main');
  await asking.begun('acme/app', 1);
  await asking.until('acme/app', 1, ({ kind }) => kind === 'stage.started');
  assert.equal(await server.stop(first), 0, await server.said(first));
  assert.equal((await asking.ended('acme/app', 1)).outcome, 'passed');
  const second = await work('two');
  project.commit(serverConfig('echo other'));
  await project.push('main');
  await asking.begun('acme/app', 2);
  assert.equal((await asking.ended('acme/app', 2)).outcome, 'passed');
  assert.equal(await docker('exec', second, 'cion-healthy'), '');
});

test('contrib/compose goes from nothing to a passed run with its results in S3, outlives kill -9 of each part, and keeps all over down and up', {
  skip: noServer || whyNoCompose() || whyNoPostgresImage() || whyNoS3(),
}, async (t) => {
  const s3 = await s3Server();
  t.after(() => s3.close());
  const [at, port] = [address ?? '', await freePort()];
  const { compose, name, place } = await composeStack(t, { image, address: at, port, s3: { endpoint: s3.endpoint, ...users.ada } });
  t.after(() => removeLabelled(name));
  const serviceId = (service: string): Promise<string> => compose('ps', '--quiet', service).then((id) => id.trim());
  const url = `http://127.0.0.1:${port}`;
  const answers = async (): Promise<void> => {
    while ((await fetch(`${url}/healthz`).catch(() => undefined))?.status !== 200) await sleep(100);
  };
  await compose('up', '--detach', 'cion');
  await answers();
  const said = await compose('logs', '--no-color', 'cion');
  const asking = askServer(url, await firstAdmin(url, { said: () => said }));
  const { token } = await asking.asked<{ readonly token: string }>('POST', '/api/workers/tokens', { name: 'worker-1' });
  writeFileSync(join(place, 'secrets', 'worker-token'), `${token}\n`);
  await compose('up', '--detach');

  const project = await sshProject(t, {
    address: at,
    asked: asking.asked,
    name: 'acme/app',
    files: serverConfig('echo made > "$ARTIFACTS_DIR/made"; echo said'),
  });
  await project.push('main');
  await asking.begun('acme/app', 1);
  const { outcome, run } = await asking.ended('acme/app', 1);
  assert.equal(outcome, 'passed');
  const { Contents = [] } = await s3.client(users.ada).send(new ListObjectsV2Command({ Bucket: 'cion', Prefix: 'results/' }));
  const keys = Contents.map(({ Key = '' }) => Key).filter((key) => key.includes(run));
  for (const end of ['make.log', 'make.zip', 'make.json'])
    assert.ok(
      keys.some((key) => key.endsWith(end)),
      keys.join(' '),
    );

  project.commit(serverConfig('for n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo $n; sleep 1; done'));
  await project.push('main');
  await asking.begun('acme/app', 2);
  await asking.until('acme/app', 2, ({ kind }) => kind === 'stage.started');
  for (const service of ['objects', 'database', 'worker', 'cion']) {
    process.kill(Number(await docker('inspect', '--format', '{{.State.Pid}}', await serviceId(service))), 'SIGKILL');
  }
  const ended = async (number: number) => {
    for (;;) {
      await answers();
      const found = await asking.client.run('acme/app', number).catch(() => undefined);
      if (found?.phase === 'finished') return found;
      await sleep(200);
    }
  };
  const second = await ended(2);
  assert.equal(second.outcome, 'passed');
  assert.deepEqual(
    second.nodes.map((node) => (node.kind === 'stage' ? node.attempts.length : 0)),
    [1],
  );
  assert.equal(await asking.text('acme/app', 2, 'make'), '1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n');

  await compose('down');
  await compose('up', '--detach');
  await answers();
  assert.equal(await asking.text('acme/app', 1, 'make'), 'said\n');
  project.commit(serverConfig('echo third'));
  await project.push('main');
  assert.equal((await ended(3)).outcome, 'passed');
});

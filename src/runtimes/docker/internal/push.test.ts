import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ImageRecord } from '../api.ts';
import { type Registry, whyNoRegistry, withRegistry } from '../testing/registry.ts';
import { type TestBox, withTestBox } from '../testing/test-box.ts';

const skip = whyNoRegistry() ?? false;

const authOf = ({ user, password, host }: Registry): string =>
  Buffer.from(JSON.stringify({ username: user, password, serveraddress: host }))
    .toString('base64')
    .replaceAll('+', '-')
    .replaceAll('/', '_');

/** What the registry has, as whoever pulls it gets it; the engine forgets it again. */
const pulled = async ({ engine, image, runImage }: TestBox, registry: Registry, name: string, argv?: readonly string[]) => {
  const [repository = '', tag = ''] = name.split(/:(?=[^:/]+$)/);
  const query = { fromImage: repository, tag };
  for await (const _ of engine.progress('POST', '/images/create', { query, headers: { 'x-registry-auth': authOf(registry) } }));
  const record = (await image(name)) as ImageRecord;
  const history = JSON.stringify(await engine.json('GET', `/images/${name}/history`));
  const said = argv === undefined ? '' : await runImage(name, argv);
  await engine.json('DELETE', `/images/${name}`, { query: { force: true } });
  return { record, said, all: JSON.stringify(record) + history };
};

test('the box is pushed as it is, with what the options say and nothing of its environment', { skip }, () =>
  withRegistry({ login: true }, (registry) =>
    withTestBox(async (box) => {
      await box.sh('mkdir -p /pipeline/source && echo built > /pipeline/source/app');
      const repository = `${registry.host}/Team/App`;
      const { code, log } = await box.perform(
        'push',
        {
          repository,
          tag: '$VERSION, latest',
          username: '$USER_NAME',
          password: '$PASSWORD',
          cmd: `sh -c 'echo "$GREETING"; touch /x' "a b"`,
          env: `GREETING="it's; $(id) \`id\`" NODE_ENV=$MODE TWO='l1\nl2'`,
          ports: '8080 53/udp',
          volumes: '/data,/more',
          'working-dir': '/pipeline/source',
          user: '1000:1000',
          stopsignal: 'SIGINT',
          labels: `owner="the team" rule=a=b`,
          author: 'Ada',
          message: 'a message',
        },
        {
          env: { VERSION: '1.2', MODE: 'production', USER_NAME: registry.user, PASSWORD: registry.password, TOKEN: 'exported-secret' },
        },
      );
      assert.equal(code, 0, log);
      const name = `${registry.host}/team/app:1.2`;
      assert.match(
        log,
        new RegExp(`Pushing ${name}\n[^]*digest: sha256:[^]*Pushed ${name}\n[^]*Pushed ${registry.host}/team/app:latest\n`),
      );
      assert.equal(await box.image(name), undefined, 'the engine keeps the name');

      const { record, said, all } = await pulled(box, registry, name, ['cat', '/pipeline/source/app']);
      assert.equal(said, 'built\n');
      const { Cmd, Env, ExposedPorts, Volumes, WorkingDir, User, StopSignal, Labels, Entrypoint } = record.Config;
      assert.deepEqual(Cmd, ['sh', '-c', 'echo "$GREETING"; touch /x', 'a b']);
      assert.equal(Entrypoint, null);
      const base = (await box.image('busybox:latest'))?.Config.Env ?? [];
      assert.deepEqual(Env, [...base, "GREETING=it's; $(id) `id`", 'NODE_ENV=production', 'TWO=l1\nl2']);
      assert.deepEqual(Object.keys(ExposedPorts ?? {}).toSorted(), ['53/udp', '8080/tcp']);
      assert.deepEqual(Object.keys(Volumes ?? {}).toSorted(), ['/data', '/more']);
      assert.deepEqual([WorkingDir, User, StopSignal], ['/pipeline/source', '1000:1000', 'SIGINT']);
      assert.deepEqual(Labels, { owner: 'the team', rule: 'a=b' });
      for (const secret of ['of-the-box', 'exported-secret', registry.password, 'cion.run', 'sleep'])
        assert.ok(!all.includes(secret), secret);
    }),
  ),
);

test('a push logs in as Docker is logged in; a no of the registry is a failed step that tells no secret', { skip }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cion-login-'));
  try {
    await withRegistry({ login: true }, (registry) =>
      withTestBox(
        async (box) => {
          const repository = 'team/app';
          const address = `https://${registry.host}/v2`;
          const refused = await box.perform('push', { repository, registry: address });
          assert.equal(refused.code, 1);
          assert.match(refused.message ?? '', /team\/app:latest cannot be pushed: .*\(give "username" and "password"/);
          const wrong = await box.perform('push', { repository, registry: address, username: registry.user, password: 'wrong-secret' });
          assert.equal(wrong.code, 1);
          assert.doesNotMatch(`${wrong.message}${wrong.log}`, /wrong-secret/);
          const auth = Buffer.from(`${registry.user}:${registry.password}`).toString('base64');
          await writeFile(join(directory, 'config.json'), JSON.stringify({ auths: { [registry.host]: { auth } } }));
          const right = await box.perform('push', { repository, registry: address, tag: 'x y' });
          assert.equal(right.code, 0, right.log);
          for (const tag of ['x', 'y']) await pulled(box, registry, `${registry.host}/team/app:${tag}`);
        },
        { DOCKER_CONFIG: directory },
      ),
    );
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('a run that nobody trusts pushes and builds as nobody, whoever Docker is logged in as (atk-13)', { skip }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cion-login-'));
  try {
    await withRegistry({ login: true }, (registry) =>
      withTestBox(
        async (box) => {
          const auth = Buffer.from(`${registry.user}:${registry.password}`).toString('base64');
          await writeFile(join(directory, 'config.json'), JSON.stringify({ auths: { [registry.host]: { auth } } }));
          const push = () => box.perform('push', { repository: `${registry.host}/team/app`, tag: 'x' });
          const base = `${registry.host}/team/base:1`;
          const build = async () => {
            await box.sh(`mkdir -p /pipeline/source && echo 'FROM ${base}' > /pipeline/source/Dockerfile`);
            return box.perform('build', { 'image-name': 'app' });
          };
          assert.equal((await box.perform('push', { repository: `${registry.host}/team/base`, tag: '1' })).code, 0);
          const giveBack = box.parts.logins.withhold(box.item.run);
          const [alone, alsoAlone] = [await push(), await build()];
          assert.equal(alone.code, 1);
          assert.match(alone.message ?? '', /team\/app:x cannot be pushed: .*\(give "username" and "password"/);
          assert.ok(alsoAlone.code !== 0, alsoAlone.log);
          giveBack();
          assert.equal((await push()).code, 0);
          assert.equal((await build()).code, 0);
          await box.engine.json('DELETE', `/images/${base}`, { query: { force: true } });
        },
        { DOCKER_CONFIG: directory },
      ),
    );
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('what is wrong with the options of a push is said before anything is made', () =>
  withTestBox(async (box) => {
    const repository = 'localhost:1/team/app';
    const cases: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
      [{}, /"repository" is missing or empty/],
      [{ repository: 'a b' }, /"a b" has white space/],
      [{ repository, tag: 'ok a/b' }, /invalid tag "a\/b"/],
      [{ repository, labels: 'one two=2' }, /label "one" is not of the form label=value/],
      [{ repository, env: 'TOKEN' }, /"TOKEN", which is not NAME=value/],
      [{ repository, ports: '80:81' }, /port "80:81"/],
      [{ repository, volumes: 'data' }, /volume "data" is no absolute path/],
      [{ repository, cmd: "sh -c 'open" }, /"cmd" has a quote that is not closed/],
      [{ repository, username: 'me', password: '$NONE' }, /"username" and no "password"/],
      [{ repository, 'aws-access-key': 'x' }, /aws ecr get-login-password/],
      [{ repository, 'image-name': 'none' }, /no step of this run has built an image called "none"/],
    ];
    for (const [options, message] of cases) {
      const { code, log, ...performed } = await box.perform('push', options);
      assert.equal(code, 1);
      assert.match(performed.message ?? '', message);
      assert.equal(log, `${performed.message}\n`);
    }
    assert.equal(await box.image(`${repository}:latest`), undefined);
  }));

test('a scratch push is one layer of the output alone, or of the source when there is no output', { skip }, () =>
  withRegistry({ login: false }, (registry) =>
    withTestBox(async (box) => {
      const repository = `${registry.host}/scratch`;
      const nothing = await box.perform('scratch-push', { repository });
      assert.match(nothing.message ?? '', /no file in \/pipeline\/output nor in \/pipeline\/source/);
      await box.sh('mkdir -p /pipeline/source /pipeline/output/empty && cp /bin/busybox /pipeline/source/from-source');
      const options = {
        repository,
        cmd: 'cat "/a file"',
        entrypoint: '/busybox',
        env: 'A="x y"',
        'working-dir': '/empty',
        user: '1',
        labels: 'a=b',
        ports: '80',
        volumes: '/v',
      };
      const fromSource = await box.perform('scratch-push', { ...options, tag: 'source', entrypoint: '/from-source' });
      assert.equal(fromSource.code, 0, fromSource.log);
      await box.sh('cp /bin/busybox /pipeline/output/busybox && echo hello > "/pipeline/output/a file"');
      const fromOutput = await box.perform('scratch-push', options);
      assert.equal(fromOutput.code, 0, fromOutput.log);
      const one = await pulled(box, registry, `${repository}:source`);
      const { record } = await pulled(box, registry, `${repository}:latest`);
      assert.equal(one.record.RootFS.Layers?.length, 1);
      assert.equal(record.RootFS.Layers?.length, 1);
      assert.notDeepEqual(record.RootFS.Layers, one.record.RootFS.Layers);
      assert.equal(record.Architecture, (await box.image('busybox:latest'))?.Architecture);
      const { Cmd, Entrypoint, Env, WorkingDir, User, Labels, ExposedPorts, Volumes } = record.Config;
      assert.deepEqual(
        { Cmd, Entrypoint, Env, WorkingDir, User, Labels, ExposedPorts, Volumes },
        {
          Cmd: ['cat', '/a file'],
          Entrypoint: ['/busybox'],
          Env: ['A=x y'],
          WorkingDir: '/empty',
          User: '1',
          Labels: { a: 'b' },
          ExposedPorts: { '80/tcp': {} },
          Volumes: { '/v': {} },
        },
      );
    }),
  ),
);

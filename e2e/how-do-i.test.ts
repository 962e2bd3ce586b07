import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { root } from '../scripts/setup/root.mjs';
import { programPath } from '../src/runtimes/docker/testing/program-path.ts';
import { whyNoRegistry, withRegistry } from '../src/runtimes/docker/testing/registry.ts';
import { cion as anyCion, startCion } from './cli.ts';
import { addressForContainers, archiveOf, buildImage, engineSocket, inspect, recordOf, removeImage, runContainer } from './engine.ts';
import { forwardedSocket } from './forwarded-socket.ts';
import { machineImage } from './machine-image.ts';
import { packed, publishTo, withNpmRegistry } from './npm-registry.ts';
import { commit, directory, repository } from './repository.ts';

/** Every recipe of examples/how-do-i is run as it stands there; only its images have other names, for they are made on this machine. */
const namespace = `recipes-${process.pid}`;
const undone: (() => Promise<void>)[] = [];
const suite = { after: (undo: () => Promise<void>) => void undone.push(undo) };
const cion = (cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  anyCion(args, { cwd, env: { CION_NAMESPACE: namespace, ...env } });

let images: Readonly<Record<string, string>> = {};
before(async () => {
  const name = `cion-e2e/node-${process.pid}`;
  const node = await machineImage(suite, name, programPath('docker') === undefined ? [] : ['docker']);
  const aws = await buildImage(suite, `cion-e2e/aws-${process.pid}`, archiveOf(join(root, 'e2e/stand-ins/aws')));
  images = { 'node:24-slim': node, 'docker:cli': node, 'pebbletech/docker-aws-cli': aws };
});
after(async () => {
  await cion(tmpdir(), ['clean', '--all-projects', '--caches']);
  for (const undo of undone) await undo();
});

/** Both ways to write a recipe, and what runs them. */
const forms = {
  dockercise: { file: 'dockercise.yaml', run: ['run', '--dialect', 'dockercise'] },
  cion: { file: '.cion.yml', run: ['run'] },
} as const;
type Form = keyof typeof forms;
const both: readonly Form[] = ['dockercise', 'cion'];

const recipe = (t: TestContext, name: string, form: Form, others: Readonly<Record<string, string>> = {}): string => {
  const cwd = repository(t);
  cpSync(join(root, 'examples/how-do-i', name), cwd, { recursive: true });
  const file = join(cwd, forms[form].file);
  const text = Object.entries({ ...images, ...others }).reduce(
    (text, [from, to]) => text.replaceAll(new RegExp(`((?:img|image): )${from}$`, 'gm'), `$1${to}`),
    readFileSync(file, 'utf8'),
  );
  writeFileSync(file, text);
  commit(cwd);
  return cwd;
};

const run = (cwd: string, form: Form, env: Readonly<Record<string, string>> = {}) => cion(cwd, forms[form].run, env);

const outcomes = async (cwd: string, run = '1'): Promise<Readonly<Record<string, string>>> => {
  type Event = { readonly kind: string; readonly stage?: string; readonly outcome?: string };
  const lines = (await cion(cwd, ['show', run, '--json'])).out.trim().split('\n');
  const ended = lines.flatMap((line): [string, string][] => {
    const { kind, stage = '', outcome = '' } = JSON.parse(line) as Event;
    if (kind === 'stage.finished') return [[stage, outcome]];
    return kind === 'stage.skipped' ? [[stage, 'skipped']] : [];
  });
  return Object.fromEntries(ended);
};

const logOf = async (cwd: string, stage: string): Promise<string> => (await cion(cwd, ['logs', 'last', stage])).out;

/** Every byte below a folder, and all that the stages left in their zips. */
const stored = async (t: TestContext, cwd: string): Promise<string> => {
  const extracted = directory(t);
  await cion(cwd, ['artifacts', 'last', '--extract', extracted]);
  return [join(cwd, '.cion'), extracted]
    .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)))
    .filter((path) => statSync(path).isFile())
    .map((path) => `${path}\n${readFileSync(path, 'latin1')}`)
    .join('\n');
};

const isNowhereIn = (text: string, ...secrets: readonly string[]): void => {
  for (const secret of secrets) {
    for (const form of [secret, Buffer.from(secret).toString('base64'), Buffer.from(secret).toString('hex'), encodeURIComponent(secret)]) {
      assert.ok(!text.includes(form), `the secret is there: …${text.slice(Math.max(0, text.indexOf(form) - 200), text.indexOf(form))}`);
    }
  }
};

/** What the engine tells about the containers, volumes and events of this file, and what lies in the containers' files. */
const engineRecords = async (since: number): Promise<string> => {
  const filters = encodeURIComponent(JSON.stringify({ label: [`cion.namespace=${namespace}`] }));
  const containers = await inspect<readonly { readonly Id: string; readonly State: string }[]>(`/containers/json?all=1&filters=${filters}`);
  const running = containers.filter(({ State }) => State === 'running');
  const texts = await Promise.all([
    ...containers.map(({ Id }) => recordOf(`/containers/${Id}/json`)),
    ...containers.map(({ Id }) => recordOf(`/containers/${Id}/logs?stdout=1&stderr=1`)),
    ...running.map(({ Id }) => recordOf(`/containers/${Id}/top?ps_args=-eo%20pid,args`)),
    ...containers.flatMap(({ Id }) =>
      ['/root', '/cion', '/dockercise', '/tmp', '/volume'].map((path) => recordOf(`/containers/${Id}/archive?path=${path}`)),
    ),
    recordOf(`/volumes?filters=${filters}`),
    recordOf(`/events?since=${since}&until=${Math.ceil(Date.now() / 1000)}&filters=${filters}`),
  ]);
  return texts.join('\n');
};

const noAddress =
  (await addressForContainers()) === undefined && 'the engine’s bridge is not on this machine, so stages cannot reach a registry here';

for (const form of both) {
  test(`how do I publish a package to npm? The recipe (${form}) publishes it to a registry, once for a version (R-DCK-34)`, {
    skip: noAddress,
  }, async (t) => {
    const address = (await addressForContainers()) ?? '';
    await withNpmRegistry({ address }, async ({ url, token }) => {
      const cwd = recipe(t, 'publish-to-npm', form);
      const env = { NPM_REGISTRY: url, NPM_TOKEN: token };
      const first = await run(cwd, form, env);
      assert.equal(first.code, 0, first.out + first.err);
      assert.deepEqual(await outcomes(cwd), { package: 'passed', published: 'failed', publish: 'passed', tell: 'passed' });
      const tarball = `${url}how-do-i-publish/-/how-do-i-publish-1.0.0.tgz`;
      assert.equal(await logOf(cwd, 'tell'), `${tarball}\n`);
      assert.equal((await fetch(tarball)).status, 200);

      const again = await run(cwd, form, env);
      assert.equal(again.code, 0, again.out + again.err);
      assert.deepEqual(await outcomes(cwd, '2'), { package: 'passed', published: 'passed', publish: 'skipped', tell: 'skipped' });

      commit(cwd, { 'index.js': '', 'package.json': readFileSync(join(cwd, 'package.json'), 'utf8').replace('1.0.0', '1.0.1') });
      assert.equal((await run(cwd, form, { ...env, NPM_TOKEN: 'not-the-token' })).code, 1);
      assert.equal((await fetch(tarball.replace('1.0.0', '1.0.1'))).status, 404);
    });
  });

  test(`the npm token is in no log, no result, no volume and no record of the engine, neither while it is used nor later (${form}) (R-DCK-35)`, {
    skip: noAddress,
  }, async (t) => {
    const address = (await addressForContainers()) ?? '';
    const since = Math.floor(Date.now() / 1000);
    const meanwhile: string[] = [];
    const before = async ({ method, headers }: IncomingMessage): Promise<void> => {
      if (method === 'PUT' && headers.authorization !== undefined) meanwhile.push(await engineRecords(since));
    };
    await withNpmRegistry({ address, before }, async ({ url, token }) => {
      const cwd = recipe(t, 'publish-to-npm', form);
      const file = join(cwd, forms[form].file);
      const kept = form === 'cion' ? '"$ARTIFACTS_DIR/home"' : '../home';
      const shout = `$1cp -r ~ ${kept}\n$1npm publish\n$1env; cat ~/.npmrc; echo "$NPM_TOKEN" | base64`;
      writeFileSync(file, readFileSync(file, 'utf8').replace(/^( *- )npm publish$/m, shout.replaceAll('$NPM', '$$NPM')));
      const ran = await run(cwd, form, { NPM_REGISTRY: url, NPM_TOKEN: token });
      assert.equal(ran.code, 0, ran.out + ran.err);
      assert.equal(meanwhile.length, 1);
      for (const seen of [/"cion\.stage":"publish"/, /_authToken=\$\{NPM_TOKEN\}/, /home\/\.npmrc/, /npm publish\\n/]) {
        assert.match(meanwhile[0] ?? '', seen);
      }
      assert.match(await logOf(cwd, 'publish'), /NPM_TOKEN=\*{3,}/);
      const results = await stored(t, cwd);
      assert.match(results, /home\/\.npmrc\n.*NPM_TOKEN/);
      isNowhereIn([...meanwhile, await engineRecords(since), ran.out, ran.err, results].join('\n'), token);
    });
  });

  test(`how do I assume a role and use its credentials? Each value goes into a variable, and none into a log (${form})`, async (t) => {
    const cwd = recipe(t, 'assume-role', form);
    const user = { AWS_ACCESS_KEY_ID: 'AKIA-OF-THE-USER', AWS_SECRET_ACCESS_KEY: 'secret/of+the=user' };
    const ran = await run(cwd, form, { ...user, ROLE: 'arn:aws:iam::1:role/AssumeThis' });
    assert.equal(ran.code, 0, ran.out + ran.err);
    const session = 'IQoJb3JpZ2luX2VjEA//////////token==';
    assert.equal(await logOf(cwd, 'use'), `the assumed role, with ${'*'.repeat(session.length)}\n`);
    isNowhereIn(ran.out + ran.err + (await stored(t, cwd)), ...Object.values(user), 'ASIA-OF-THE-ROLE', 'secret/of+the=role', session);
    const refused = await run(cwd, form, { ...user, AWS_SECRET_ACCESS_KEY: 'another', ROLE: 'arn:aws:iam::1:role/AssumeThis' });
    assert.equal(refused.code, 1);
  });

  test(`how do I update what is there, or create it? A probe says which of the two stages runs (${form})`, async (t) => {
    const created = recipe(t, 'update-or-create', form);
    assert.equal((await run(created, form)).code, 0);
    assert.deepEqual(await outcomes(created), { exists: 'failed', update: 'skipped', create: 'passed', look: 'passed' });
    const build = { args: { STACKS: 'infra' } };
    const image = await buildImage(t, `cion-e2e/aws-infra-${process.pid}`, archiveOf(join(root, 'e2e/stand-ins/aws')), build);
    const updated = recipe(t, 'update-or-create', form, { 'pebbletech/docker-aws-cli': image });
    assert.equal((await run(updated, form)).code, 0);
    assert.deepEqual(await outcomes(updated), { exists: 'passed', update: 'passed', create: 'skipped', look: 'passed' });
  });

  test(`how do I clean up after a failure? The stage that removes runs however the test ended (${form})`, async (t) => {
    const cwd = recipe(t, 'clean-up-after-failure', form);
    assert.equal((await run(cwd, form)).code, 0);
    assert.match(await logOf(cwd, 'remove'), /^removed review-[0-9a-f]{8}$/m);
    commit(cwd, { 'site.html': '<h1>Goodbye</h1>' });
    assert.equal((await run(cwd, form)).code, 1);
    assert.deepEqual(await outcomes(cwd, '2'), { create: 'passed', test: 'failed', remove: 'passed' });
  });

  test(`how do I wait for a person? The release runs when somebody approved it, and not when somebody refused (${form})`, async (t) => {
    const cwd = recipe(t, 'wait-for-a-person', form);
    const gate = form === 'cion' ? 'human-click' : 'deploy.human-click';
    const waiting = async (): Promise<ReturnType<typeof startCion>> => {
      const running = startCion(forms[form].run, { cwd, env: { CION_NAMESPACE: namespace } });
      await running.wrote('Waits for somebody to approve it');
      return running;
    };
    const approved = await waiting();
    assert.equal((await cion(cwd, ['approve', gate, '--by', 'ann'])).code, 0);
    assert.equal((await approved.ended).code, 0);
    assert.match(await logOf(cwd, 'deploy'), /published on \d{4}-/);
    assert.match((await cion(cwd, ['deployments'])).out, /production/);

    const rejected = await waiting();
    assert.equal((await cion(cwd, ['reject', 'last', gate, '--by', 'bob'])).code, 0);
    assert.equal((await rejected.ended).code, 1);
    assert.deepEqual(await outcomes(cwd, '2'), { build: 'passed', deploy: 'skipped' });
  });
}

test('how do I cache dependencies? A second run finds what the first has downloaded, until the caches are removed', {
  skip: noAddress,
}, async (t) => {
  const address = (await addressForContainers()) ?? '';
  const downloads: string[] = [];
  const before = async ({ method, url }: IncomingMessage): Promise<void> => {
    if (method === 'GET' && url?.endsWith('.tgz') === true) downloads.push(url);
  };
  await withNpmRegistry({ address, before }, async ({ url, token }) => {
    const ms = await packed({ 'package.json': '{ "name": "ms", "version": "2.1.3" }', 'index.js': 'module.exports = () => 172800000;' });
    await publishTo(url, token, 'ms', '2.1.3', ms);
    const cwd = recipe(t, 'cache-dependencies', 'cion');
    const lock = readFileSync(join(cwd, 'package-lock.json'), 'utf8');
    const integrity = `sha512-${createHash('sha512').update(ms).digest('base64')}`;
    commit(cwd, { 'package-lock.json': lock.replace(/sha512-[^"]+/, integrity) });
    const downloaded = async (): Promise<number> => {
      downloads.length = 0;
      const ran = await run(cwd, 'cion', { NPM_REGISTRY: url });
      assert.equal(ran.code, 0, ran.out + ran.err);
      assert.match(await logOf(cwd, 'build'), /^172800000$/m);
      return downloads.length;
    };
    assert.deepEqual([await downloaded(), await downloaded()], [1, 0]);
    await cion(cwd, ['clean']);
    assert.equal(await downloaded(), 0);
    assert.match((await cion(cwd, ['clean', '--caches'])).out, /1 volume/);
    assert.equal(await downloaded(), 1);
  });
});

const noPush =
  noAddress ||
  (engineSocket === undefined && 'the engine has no socket on this machine') ||
  (programPath('docker') === undefined && 'docker is not installed') ||
  (whyNoRegistry() ?? false);

test('how do I build and push an image? With an engine that the stage reaches, to a registry that asks for a login', {
  skip: noPush,
}, async (t) => {
  const address = (await addressForContainers()) ?? '';
  const port = await forwardedSocket(t, engineSocket ?? '', address);
  await withRegistry({ login: true }, async ({ host, user, password }) => {
    const cwd = recipe(t, 'build-and-push-an-image', 'cion');
    const image = `${host}/team/hello:1`;
    const ran = await cion(cwd, ['run'], {
      BUILD_ENGINE: `tcp://${address}:${port}`,
      IMAGE: image,
      REGISTRY_USER: user,
      REGISTRY_PASSWORD: password,
    });
    assert.equal(ran.code, 0, ran.out + ran.err);
    const [, digest = ''] = /pushed \S+@(sha256:[0-9a-f]{64})/.exec(await logOf(cwd, 'tell')) ?? [];
    const login = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const manifest = await fetch(`http://${host}/v2/team/hello/manifests/${digest}`, {
      headers: { authorization: login, accept: 'application/vnd.docker.distribution.manifest.v2+json' },
    });
    assert.equal(manifest.status, 200);
    const { output } = await runContainer({ image, command: ['cat', '/hello.txt'] });
    assert.equal(output, 'hello\n');
    await removeImage(image);
    isNowhereIn(ran.out + ran.err + (await stored(t, cwd)), password);
  });
});

test('every recipe has a part of the page that shows it as it is, and every part a recipe (R-DCK-34)', () => {
  const folder = join(root, 'examples/how-do-i');
  const page = readFileSync(join(root, 'docs/how-do-i.md'), 'utf8');
  const shown = Array.from(
    page.matchAll(/\(\.\.\/examples\/how-do-i\/([a-z-]+)\/([a-z.]+)\)[^]*?^```yaml\n([^]*?)^```$/gm),
    ([, name = '', file = '', text]) => [name, file, text] as const,
  );
  assert.deepEqual(new Set(shown.map(([name]) => name)), new Set(readdirSync(folder)));
  for (const [name, file, text] of shown) assert.equal(text, readFileSync(join(folder, name, file), 'utf8'), name);
  for (const name of readdirSync(folder)) {
    for (const { file } of Object.values(forms)) {
      assert.equal(existsSync(join(folder, name, file)), page.includes(`../examples/how-do-i/${name}/${file}`), `${name}/${file}`);
    }
  }
});

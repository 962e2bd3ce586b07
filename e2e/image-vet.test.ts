import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { whyNoRegistry, withRegistry } from '../src/runtimes/docker/testing/registry.ts';
import { cion } from './cli.ts';
import { directory, repository } from './repository.ts';

const skip = whyNoRegistry() ?? false;

const text = (box: string, more = ''): string => `box: ${box}\n${more}build:\n  steps:\n    - script: { code: cat /etc/hostname }\n`;

/** What was refused, and that no stage was ever queued. */
const refusal = async (cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> => {
  const { code, out, err } = await cion(['build', '--no-commit', '--json', ...args], { cwd, env });
  assert.equal(code, 2, out + err);
  assert.doesNotMatch(out, /stage\.queued/);
  return err;
};

/** An image in a registry, and not here. */
const push = (image: string, config?: string): void => {
  const docker = (...args: readonly string[]): unknown =>
    execFileSync('docker', [...(config === undefined ? [] : ['--config', config]), ...args], { stdio: 'ignore' });
  docker('tag', 'busybox:latest', image);
  docker('push', image);
  docker('rmi', image);
};

const removed = (t: TestContext, ...images: readonly string[]): void =>
  t.after(() => {
    for (const image of images) {
      try {
        execFileSync('docker', ['rmi', image], { stdio: 'ignore' });
      } catch {
        // It was never pulled.
      }
    }
  });

test(
  'a box, a service or a step that does not exist ends the run before anything begins, with its place (R-WRK-108, R-WRK-109, R-WRK-110)',
  {
    skip,
  },
  (t) =>
    withRegistry({ login: false }, async ({ host }) => {
      const box = await refusal(repository(t, { 'wercker.yml': text(`${host}/no/such:1`) }), []);
      assert.match(box, /^wercker\.yml:\d+:\d+: IMAGE_NOT_FOUND\nThere is no image "[\d.:]+\/no\/such:1"\.$/m);
      const service = await refusal(repository(t, { 'wercker.yml': text('busybox', `services:\n  - ${host}/no/db\n`) }), []);
      assert.match(service, /^wercker\.yml:3:5: IMAGE_NOT_FOUND\nThere is no image "[\d.:]+\/no\/db"\.$/m);
      const step = await refusal(repository(t, { 'wercker.yml': text('busybox').replace('script: {', 'no-such-step: {') }), []);
      assert.match(step, /^wercker\.yml:4:7: STEP_NO_REGISTRY/m);
      const run = await cion(['run', '--json'], { cwd: repository(t, { '.cion.yml': `build:\n  image: ${host}/no/such\n` }) });
      assert.deepEqual([run.code, /IMAGE_NOT_FOUND/.test(run.err)], [2, true]);
    }),
);

test(
  'with --box-registry a bare name is an image of ours; in production other registries, images of this machine and steps from elsewhere are refused (R-WRK-09, R-WRK-112, R-WRK-113, R-WRK-114, R-WRK-117, R-WRK-118)',
  {
    skip,
  },
  (t) =>
    withRegistry({ login: false }, async ({ host }) => {
      push(`${host}/acme/ruby:latest`);
      removed(t, `${host}/acme/ruby:latest`);
      const cwd = repository(t, { 'wercker.yml': text('acme/ruby') });
      const ours = ['--production', '--box-registry', host];
      const built = await cion(['build', '--no-commit', '--json', ...ours], { cwd });
      assert.equal(built.code, 0, built.err);
      assert.match(built.out, new RegExp(`"kind":"image.resolved".*"reference":"${host}/acme/ruby:latest".*"pulled":true`));
      const elsewhere = await refusal(repository(t, { 'wercker.yml': text('127.0.0.1:1/acme/ruby') }), ours);
      assert.match(
        elsewhere,
        /IMAGE_NOT_ALLOWED\nThe image "127\.0\.0\.1:1\/acme\/ruby" is of 127\.0\.0\.1:1, which is only for local development\./,
      );
      execFileSync('docker', ['tag', 'busybox:latest', `${host}/acme/mine:1`]);
      removed(t, `${host}/acme/mine:1`);
      const mine = repository(t, { 'wercker.yml': text('acme/mine:1') });
      assert.match(
        await refusal(mine, [], { CION_PRODUCTION: '1', CION_BOX_REGISTRY: host }),
        /IMAGE_NOT_ALLOWED\n.* is only on this machine/,
      );
      assert.equal((await cion(['build', '--no-commit', '--box-registry', host], { cwd: mine })).code, 0);
      for (const step of [`own "file://step"`, `own "https://127.0.0.1:1/own.tgz"`]) {
        const files = {
          'wercker.yml': text('acme/ruby').replace('script: { code: cat /etc/hostname }', `'${step}'`),
          'step/run.sh': 'true\n',
        };
        assert.match(await refusal(repository(t, files), ours), /STEP_NOT_ALLOWED/);
      }
    }),
);

test(
  'a private image runs as a service of an entitled project, for who is logged in; it is no box, not for others, and not to be pulled by them (R-WRK-15)',
  {
    skip,
  },
  (t) =>
    withRegistry({ login: true }, async ({ host, user, password }) => {
      const config = directory(t);
      const auth = Buffer.from(`${user}:${password}`).toString('base64');
      writeFileSync(join(config, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }));
      const image = `${host}/paid/search:1`;
      push(image, config);
      removed(t, image);
      const service = `services:\n  - { id: ${image}, cmd: sleep 60 }\n`;
      const cwd = repository(t, { 'wercker.yml': text('busybox', service) });
      const policy = (projects: readonly string[]): Readonly<Record<string, string>> => {
        const path = join(config, `policy-${projects.length}.json`);
        writeFileSync(path, JSON.stringify({ privateServices: [{ image: `${host}/paid/search`, projects }] }));
        return { CION_POLICY: path, DOCKER_CONFIG: config };
      };
      const entitled = policy([cwd.split('/').at(-1) ?? '']);
      assert.match(await refusal(cwd, [], policy([])), /IMAGE_PRIVATE\n.* is private, and not for /);
      assert.match(
        await refusal(repository(t, { 'wercker.yml': text(image) }), [], entitled),
        /IMAGE_PRIVATE\n.* can be a service, and nothing else/,
      );
      assert.match(await refusal(cwd, [], { ...entitled, DOCKER_CONFIG: directory(t) }), /IMAGE_DENIED/);
      const built = await cion(['build', '--no-commit', '--json'], { cwd, env: entitled });
      assert.equal(built.code, 0, built.err);
      assert.throws(
        () => execFileSync('docker', ['--config', directory(t), 'pull', image], { stdio: 'pipe' }),
        /basic auth|unauthorized|denied/,
      );
    }),
);

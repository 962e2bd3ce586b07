import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { whyNoRegistry, withRegistry } from '../src/runtimes/docker/testing/registry.ts';
import { engineSocket, inspect } from './engine.ts';
import { directory, repository, writeFiles } from './repository.ts';
import { werckerFor } from './wercker-project.ts';

/** Boxes that become images: of a build, for its deploy, in a registry, and after each step. */
const undone: (() => Promise<void>)[] = [];
const suite = { after: (undo: () => Promise<void>) => void undone.push(undo) };
const wercker = werckerFor('images', suite);
test.after(async () => {
  for (const undo of undone.reverse()) await undo();
});

const skip = engineSocket === undefined ? 'the engine is not on this machine' : (whyNoRegistry() ?? false);
const ls = '[ -e /made ] && cat /made || echo fresh';

const project = {
  'wercker.yml': `
box: busybox
build:
  steps:
    - script: { name: make, code: 'echo "of $WERCKER_GIT_BRANCH" >/made; mkdir -p /pipeline/source/build' }
    - script: { name: check, code: 'echo checked >/checked; exit \${CODE:-0}' }
deploy:
  steps: [script: { code: '${ls}; echo "box is $WERCKER_LAST_BUILD_BOX"' }]
same:
  box: $WERCKER_LAST_BUILD_BOX
  steps: [script: { code: '${ls}' }]
fresh:
  box: busybox
  steps: [script: { code: '${ls}' }]
snapshot:
  box: <snapshot>
  steps: [script: { code: '${ls}' }]
`,
};

/** A client of the registry's own protocol. */
const manifestOf = async (place: string, tag: string): Promise<string | undefined> => {
  const [host, ...path] = place.split('/');
  const answer = await fetch(`http://${host}/v2/${path.join('/')}/manifests/${tag}`, {
    headers: { accept: 'application/vnd.docker.distribution.manifest.v2+json' },
  });
  return answer.ok ? (answer.headers.get('docker-content-digest') ?? undefined) : undefined;
};

test(
  'a build is pushed as its id, latest, and green or red, passed or failed; a box that is away is pulled, and a deploy begins in what the build left, in a fresh box or in a snapshot (R-WRK-21, R-WRK-22, R-WRK-35, R-WRK-36, R-WRK-37, R-WRK-38, R-WRK-39, R-WRK-40, R-WRK-63, R-WRK-71, R-WRK-166, R-WRK-167, R-WRK-168, R-WRK-169)',
  {
    skip,
  },
  (t) =>
    withRegistry({ login: false }, async ({ host }) => {
      const place = `${host}/acme/website`;
      const snapshot = `${host}/acme/snapshot:1`;
      t.after(() => {
        const made = execFileSync('docker', ['image', 'ls', '--format', '{{.Repository}}:{{.Tag}}', '--filter', `reference=${host}/*/*`], {
          encoding: 'utf8',
        });
        const names = made.split('\n').filter((name) => name !== '');
        if (names.length > 0) execFileSync('docker', ['rmi', '--force', ...names], { stdio: 'ignore' });
      });
      const folder = directory(t, { Dockerfile: 'FROM busybox\nRUN echo of a snapshot >/made\n' });
      execFileSync('docker', ['build', '--quiet', '--tag', snapshot, folder], {
        stdio: 'ignore',
        env: { ...process.env, DOCKER_BUILDKIT: '0' },
      });
      execFileSync('docker', ['push', '--quiet', snapshot], { stdio: 'ignore' });
      execFileSync('docker', ['rmi', snapshot], { stdio: 'ignore' });

      const cwd = repository(t, { 'wercker.yml': project['wercker.yml'].replace('<snapshot>', snapshot) });
      const push = ['build', '--registry', place, '--push'];
      await wercker.passes(cwd, push);
      const [created] = await wercker.events(cwd);
      assert.ok(created?.kind === 'run.created');
      const [byId, latest, green, red] = await Promise.all(['1', 'latest', 'green', 'red'].map((tag) => manifestOf(place, tag)));
      assert.ok(byId !== undefined);
      assert.deepEqual([latest, green, red], [byId, byId, undefined]);

      const image = (await wercker.end(cwd)).image?.reference ?? '';
      const deployed = await wercker.passes(cwd, ['deploy']);
      assert.match(deployed.out, /of main/);
      assert.ok(deployed.out.includes(`box is ${image}`));
      const stepOf = async (args: readonly string[]): Promise<string> => {
        await wercker.passes(cwd, args);
        return wercker.logOf(cwd, { step: 'script' });
      };
      assert.equal(await stepOf(['deploy', '--from', '1', '--pipeline', 'same']), 'of main\n');
      assert.equal(await stepOf(['deploy', '--from', '1', '--pipeline', 'fresh']), 'fresh\n');
      const pulledOf = async () => {
        const resolved = (await wercker.events(cwd)).find((event) => event.kind === 'image.resolved');
        return resolved?.kind === 'image.resolved' && resolved.pulled;
      };
      assert.equal(await stepOf(['deploy', '--from', '1', '--pipeline', 'snapshot']), 'of a snapshot\n');
      assert.equal(await pulledOf(), true);
      assert.equal(await stepOf(['deploy', '--from', '1', '--pipeline', 'snapshot']), 'of a snapshot\n');
      assert.equal(await pulledOf(), false);

      await wercker.fails(cwd, push, { X_CODE: '1', BUILD_ID: 'nightly-7' });
      const tags = ['nightly-7', 'latest', 'red', 'green'];
      const [second, nowLatest, nowRed, stillGreen] = await Promise.all(tags.map((tag) => manifestOf(place, tag)));
      assert.ok(second !== undefined && second !== byId);
      assert.deepEqual([nowLatest, nowRed, stillGreen], [second, second, byId]);
      assert.equal(wercker.left(), '');
    }),
);

test('after each step the box is kept, so that what a step did can be looked at, also in a run that failed (R-WRK-163)', async (t) => {
  const cwd = repository(t, project);
  writeFiles(cwd, { 'wercker.yml': project['wercker.yml'].replace('<snapshot>', 'busybox') });
  await wercker.fails(cwd, ['build', '--commit-steps', '--no-commit'], { X_CODE: '1' });
  const look = async (place: string): Promise<string> =>
    (await wercker.passes(cwd, ['shell', place, '--', 'sh', '-c', 'cat /made; ls /checked 2>/dev/null; true'])).out;
  assert.equal(await look('1/build@make'), 'of main\n');
  assert.equal(await look('1/build@check'), 'of main\n/checked\n');
  assert.equal(await look('last'), 'of main\n/checked\n');
  const images = (await wercker.steps(cwd)).map(({ image }) => image?.digest);
  assert.equal(new Set(images).size, images.length);
  assert.ok(images.every((digest) => digest !== undefined));
  const layers = async (digest: string | undefined) =>
    (await inspect<{ RootFS: { Layers: readonly string[] } }>(`/images/${digest}/json`)).RootFS.Layers.length;
  assert.ok((await layers(images[1])) > 0);
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runContainer } from './engine.ts';
import { machineImage } from './machine-image.ts';

const run = (cwd: string, file: string, ...args: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync(file, args, { cwd, encoding: 'utf8' });
  assert.equal(status, 0, `${file} ${args.join(' ')}\n${stdout}${stderr}`);
  return stdout;
};

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };
const folder = mkdtempSync(join(tmpdir(), 'cion-package-'));
after(() => rmSync(folder, { recursive: true, force: true }));
run('.', 'npm', 'pack', '--silent', '--pack-destination', folder);

/** An empty folder on this machine gets the package; what npm fetched for it is kept in a cache. */
const here = join(folder, 'here');
mkdirSync(here);
writeFileSync(join(here, 'package.json'), '{ "private": true }');
const cache = join(folder, 'cache');
run(here, 'npm', 'install', '--cache', cache, '--omit=optional', '--no-audit', '--no-fund', `../cion-${version}.tgz`);

test('the package that npm would publish installs into an empty folder and answers from compiled code', () => {
  const installed = join(here, 'node_modules', 'cion');
  assert.ok(existsSync(join(installed, 'dist', 'main.js')));
  assert.ok(!existsSync(join(installed, 'src')));
  assert.equal(run(here, join(here, 'node_modules', '.bin', 'cion'), '--version'), `${version}\n`);
});

test('npm installs the package globally in a container that has nothing but Node and npm, and both commands are on PATH (R-DCK-67)', async (t) => {
  const image = await machineImage(t, `cion-e2e/clean-${process.pid}`);
  const install = `npm install --global --offline --cache /package/cache --omit=optional --no-audit --no-fund --loglevel=error`;
  const script = `
    ! command -v cion && ! command -v dockercise || exit 9
    ${install} /package/cion-${version}.tgz >/dev/null || exit 8
    command -v cion && command -v dockercise
    cion --version
    dockercise --version
    mkdir /project && cd /project && printf 'build: { image: busybox, cmd: "true" }' > .cion.yml
    cion plan`;
  const { code, output } = await runContainer({
    image,
    command: ['sh', '-c', script],
    binds: [`${folder}:/package`],
    network: 'none',
  });
  assert.equal(code, 0, output);
  const [cion, dockercise, ...rest] = output.split('\n');
  assert.deepEqual([cion, dockercise], ['/usr/local/bin/cion', '/usr/local/bin/dockercise']);
  assert.deepEqual(rest.slice(0, 2), [version, version]);
  assert.match(output, /build\s+busybox/);
});

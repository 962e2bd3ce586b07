import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

test('a machine without cion gets it by its checksum, fetches a project and builds it in a directory that is gone afterwards (R-WRK-99, R-WRK-100, R-WRK-101)', async (t) => {
  const image = await machineImage(t, `cion-e2e/bootstrap-${process.pid}`, ['git']);
  copyFileSync('contrib/bootstrap.sh', join(folder, 'bootstrap.sh'));
  const digest = createHash('sha256')
    .update(readFileSync(join(folder, `cion-${version}.tgz`)))
    .digest('hex');
  const script = `
    export npm_config_offline=true npm_config_cache=/package/cache npm_config_omit=optional CION_RUNTIME=fake CION_PLAIN=1 HOME=/root
    export CION_PACKAGE=http://127.0.0.1:8000/cion.tgz CION_STATE_HOME=/runs BUILD_ID=b7
    node -e 'require("http").createServer((_, r) => require("fs").createReadStream("/package/cion-${version}.tgz").pipe(r)).listen(8000)' &
    ln -s git /usr/bin/git-upload-pack
    git config --global user.name a; git config --global user.email a@b; git config --global safe.directory '*'
    mkdir -p /srv/ada/engine /tmp && cd /srv/ada/engine && git init -q -b main
    printf 'box: busybox\\nbuild:\\n  steps: [{ script: { code: make } }]\\n' > wercker.yml
    git add . && git commit -qm one || exit 9
    cd /; until node -e 'fetch(process.env.CION_PACKAGE).catch(() => process.exit(1))'; do :; done
    CION_SHA256=${'0'.repeat(64)} sh /package/bootstrap.sh file:///srv/ada/engine && exit 8
    CION_SHA256=${digest} sh /package/bootstrap.sh file:///srv/ada/engine --no-commit || exit 7
    echo "left: $(ls /tmp | grep -v node-compile-cache)"`;
  const { code, output } = await runContainer({ image, command: ['sh', '-c', script], binds: [`${folder}:/package`], network: 'none' });
  assert.equal(code, 0, output);
  assert.match(output, /FAILED[\s\S]*main of ada\/engine is in [\s\S]*Run 1 of engine\.[\s\S]*passed[\s\S]*left: $/m);
});

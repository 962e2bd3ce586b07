import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { dockerciseFor } from './dockercise-project.ts';
import { addressForContainers, recordOf } from './engine.ts';
import { gitImage } from './git-image.ts';
import { directory, repository } from './repository.ts';
import { sshServer, whyNoSsh } from './ssh-server.ts';

const undone: (() => Promise<void>)[] = [];
const suite = { after: (undo: () => Promise<void>) => void undone.push(undo) };
const dockercise = dockerciseFor('ssh', suite);
after(async () => {
  for (const undo of undone.reverse()) await undo();
});

const address = await addressForContainers();
const skip = whyNoSsh() || (address === undefined && 'the engine’s bridge is not on this machine');

test('a stage clones by ssh with the deploy key, which is in no log, volume or zip, and not with a stage that does not need it (R-DCO-44)', {
  skip,
}, async (t) => {
  const server = await sshServer(t, address ?? '');
  const image = await gitImage(suite, `cion-e2e/git-ssh-${process.pid}`, []);
  const hosted = directory(t);
  const from = repository(t, { 'infrastructure.yaml': 'an infrastructure\n' });
  execFileSync('git', ['clone', '--quiet', '--bare', from, join(hosted, 'ensemblejs.git')]);
  const github = JSON.stringify({
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: `url.ssh://${server.user}@${server.address}:${server.port}${hosted.replaceAll(' ', '%20')}/.insteadOf`,
    GIT_CONFIG_VALUE_0: 'git@github.com:ensemblejs/',
  });
  const looks =
    'ls -A /run/cion-ssh ~/.ssh 2>/dev/null; printenv GIT_SSH_COMMAND DEPLOY_KEY; grep -rl "PRIVATE KEY" /dockercise /root /run 2>/dev/null; true';
  const cwd = repository(t, {
    'a.dockercise.yaml': `
get-code:
  img: ${image}
  env: ${github}
  run: git clone -b main --single-branch git@github.com:ensemblejs/ensemblejs.git; stat -c '%a %u' /run/cion-ssh/key
use: { img: busybox, vol: get-code, run: ${JSON.stringify(`cat infrastructure.yaml; ${looks}`)} }
other: { img: busybox, run: ${JSON.stringify(looks)} }
shows: { img: busybox, ssh: true, run: cat /run/cion-ssh/key }
refused: { img: ${image}, may-fail: true, ssh: false, env: ${github}, run: git -c core.sshCommand='ssh -o BatchMode=yes -o StrictHostKeyChecking=no' clone git@github.com:ensemblejs/ensemblejs.git }
`,
  });
  const since = Math.floor(Date.now() / 1000);
  const ran = await dockercise.passes(cwd, ['run'], { DEPLOY_KEY: server.key });
  assert.equal(await dockercise.logOf(cwd, 'get-code'), '400 0\n');
  assert.equal(await dockercise.logOf(cwd, 'use'), 'an infrastructure\n');
  assert.equal(await dockercise.logOf(cwd, 'other'), '');
  assert.equal((await dockercise.outcomes(cwd))['refused'], 'failed');

  const to = directory(t);
  await dockercise.passes(cwd, ['artifacts', 'last', '--extract', to]);
  const stored = [join(cwd, '.cion'), to].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name))
      .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile())
      .map((path) => readFileSync(path, 'latin1')),
  );
  const filters = encodeURIComponent(JSON.stringify({ label: [`cion.namespace=${dockercise.namespace}`] }));
  const records = await recordOf(`/events?since=${since}&until=${Math.ceil(Date.now() / 1000)}&filters=${filters}`);
  const [, line = ''] = server.key.split('\n');
  assert.ok(line.length > 20);
  for (const text of [ran.out, ran.err, ...stored, records]) assert.ok(!text.includes(line));
});

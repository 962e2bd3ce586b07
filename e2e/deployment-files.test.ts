import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { canInstall, install } from '../scripts/setup/debian.mjs';
import { root } from '../scripts/setup/root.mjs';
import { which } from '../scripts/setup/shell.mjs';
import { buildProgram } from '../src/cli/program.ts';
import { environmentName } from '../src/cli/environment-options.ts';
import { serverKeys } from '../src/secrets/server-keys.ts';
import { directory } from './repository.ts';

const units = join(root, 'contrib', 'systemd');
const composeFile = join(root, 'contrib', 'compose', 'compose.yaml');

test('the units of server and worker are such as systemd takes', async (t) => {
  if (which('systemd-analyze') === undefined && canInstall()) await install(() => undefined, 'systemd');
  if (which('systemd-analyze') === undefined) return t.skip('there is no systemd-analyze on this machine, and it cannot be installed');
  for (const unit of ['cion-serve.service', 'cion-work@w1.service']) {
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', unit], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, SYSTEMD_UNIT_PATH: `${units}:` },
    });
    assert.deepEqual([status, stdout, stderr], [0, '', '']);
  }
});

test('the units of server and worker may do little besides what they need: of ten for a unit without any bounds, at most two', async (t) => {
  if (which('systemd-analyze') === undefined && canInstall()) await install(() => undefined, 'systemd');
  if (which('systemd-analyze') === undefined) return t.skip('there is no systemd-analyze on this machine, and it cannot be installed');
  for (const unit of ['cion-serve.service', 'cion-work@.service']) {
    const { status, stdout } = spawnSync('systemd-analyze', ['security', '--offline=yes', '--threshold=20', join(units, unit)], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout.trim().split('\n').at(-1));
  }
});

/** The variables that a command has for its options. */
const variablesOf = (name: string): ReadonlySet<string> => {
  const command = buildProgram({
    cwd: '/',
    env: {},
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    finish: () => undefined,
  }).commands.find((one) => one.name() === name);
  assert.ok(command);
  return new Set(command.options.map((option) => environmentName(option, command) ?? ''));
};

const known = new Set(['HOME', 'PGPASSFILE', 'AWS_SHARED_CREDENTIALS_FILE', 'AWS_REGION']);

type Service = {
  readonly command?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly volumes?: readonly string[];
};

test('what the files set are options that there are', () => {
  const { services } = parse(readFileSync(composeFile, 'utf8')) as { readonly services: Readonly<Record<string, Service>> };
  for (const [service, command] of [
    ['cion', 'serve'],
    ['worker', 'work'],
  ] as const) {
    assert.equal(services[service]?.command?.[0], command);
    const variables = variablesOf(command);
    const set = Object.keys(services[service].environment);
    assert.deepEqual(
      set.filter((name) => !variables.has(name) && !known.has(name)),
      [],
    );
  }
  for (const [unit, command] of [
    ['cion-serve.service', 'serve'],
    ['cion-work@.service', 'work'],
  ] as const) {
    const text = readFileSync(join(units, unit), 'utf8');
    const set = [...text.matchAll(/^(?:Environment=|# {5})([A-Z_]+)=/gm)].map(([, name = '']) => name);
    assert.deepEqual(
      set.filter((name) => !variablesOf(command).has(name) && !known.has(name)),
      [],
    );
  }
});

test('the compose file names what it uses, has no secret in it, and the script makes all of them', async (t) => {
  const place = directory(t);
  cpSync(join(root, 'contrib', 'compose'), place, { recursive: true });
  const script = join(place, 'make-secrets.sh');
  execFileSync(script, { stdio: 'ignore' });
  assert.equal(spawnSync(script).status, 1);
  const text = readFileSync(composeFile, 'utf8');
  const { services, secrets, volumes } = parse(text) as {
    readonly services: Readonly<Record<string, Service>>;
    readonly secrets: Readonly<Record<string, { readonly file: string }>>;
    readonly volumes: Readonly<Record<string, object>>;
  };
  const used = Object.values(services).flatMap((service) => service.secrets ?? []);
  assert.deepEqual([...new Set(used)].sort(), Object.keys(secrets).sort());
  assert.deepEqual(
    Object.values(secrets)
      .map(({ file }) => file.slice('./secrets/'.length))
      .sort(),
    readdirSync(join(place, 'secrets')).sort(),
  );
  const mounted = Object.values(services)
    .flatMap((service) => service.volumes ?? [])
    .map((volume) => volume.split(':')[0] ?? '');
  assert.deepEqual(mounted.filter((name) => !/^[./]/.test(name)).sort(), Object.keys(volumes).sort());
  for (const { file } of Object.values(secrets)) {
    const content = readFileSync(join(place, file), 'utf8').trim();
    assert.equal(content !== '' && text.includes(content), false);
  }
  assert.equal(statSync(join(place, 'secrets')).mode & 0o777, 0o700);
  assert.equal((await serverKeys({ file: join(place, 'secrets', 'server-key') })).length, 1);

  const compose = which('docker-compose');
  if (compose === undefined) return t.diagnostic('there is no docker-compose on this machine that could look at it');
  const env = { PATH: process.env.PATH, CION_URL: 'https://ci.example.org' };
  const { status, stderr } = spawnSync(compose, ['-f', 'compose.yaml', 'config', '--quiet'], { cwd: place, encoding: 'utf8', env });
  assert.equal(status, 0, stderr);
});

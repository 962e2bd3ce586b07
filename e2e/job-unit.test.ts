import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { parseEnv } from 'node:util';
import { canInstall, install } from '../scripts/setup/debian.mjs';
import { root } from '../scripts/setup/root.mjs';
import { which } from '../scripts/setup/shell.mjs';
import { cion } from './cli.ts';
import { directory, git, repository } from './repository.ts';

const units = join(root, 'contrib', 'systemd');
const unit = readFileSync(join(units, 'cion-job@.service'), 'utf8');

test('the template of a unit is one that systemd takes (R-WRK-78)', async (t) => {
  if (which('systemd-analyze') === undefined && canInstall()) await install(() => undefined, 'systemd');
  if (which('systemd-analyze') === undefined) return t.skip('there is no systemd-analyze on this machine, and it cannot be installed');
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', 'cion-job@7.service'], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, SYSTEMD_UNIT_PATH: `${units}:` },
  });
  assert.deepEqual([status, stdout, stderr], [0, '', '']);
});

/** What systemd would start for an instance: the program, its arguments and its environment, specifiers and `$$` resolved. */
const started = (instance: string, state: string, environmentFile: string) => {
  const resolved = (text: string): string => text.replaceAll('%i', instance).replaceAll('%S', state);
  const values = (key: string): readonly string[] =>
    [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value = '']) => resolved(value));
  const [, program = '', flags = '', script = ''] = /^(\S+) (-\S+) '(.*)'$/.exec(values('ExecStart')[0] ?? '') ?? [];
  const env = { ...parseEnv(values('Environment').join('\n')), ...parseEnv(environmentFile) };
  return { program, args: [flags, script.replaceAll('$$', '$')], env, cwd: values('WorkingDirectory')[0] ?? '' };
};

test('a unit is one process that does one job: build and deploy each with its own result (R-WRK-75)', async (t) => {
  const place = directory(t);
  const project = join(place, 'ada', 'engine');
  mkdirSync(dirname(project));
  const text = 'build: { image: busybox, env: { X: { outside: GIVEN } } }\n';
  execFileSync('git', ['clone', '--quiet', repository(t, { '.cion.yml': text }), project]);
  git(project, 'checkout', '--quiet', 'main');
  const state = join(place, 'state');
  mkdirSync(join(state, 'cion'), { recursive: true });
  const home = join(state, 'cion', 'localhost', 'ada', 'engine');
  const job = (instance: string, file: string) => {
    const { program, args, env, cwd } = started(instance, state, `${file}\nCION_RUNTIME=fake\n`);
    assert.equal(cwd, join(state, 'cion'));
    return spawnSync(program, args, { cwd, encoding: 'utf8', env: { ...env, PATH: `${join(root, 'bin')}:${process.env.PATH}` } });
  };
  const id = `cion-job-${process.pid}`;
  const build = (code: string) =>
    job(id, `CION_JOB=build\nCION_REPOSITORY=${pathToFileURL(project).href}\nCION_BUILD=ada/engine\nGIVEN=${code}`);
  const green = build('0');
  assert.equal(green.status, 0, green.stderr);
  assert.match(green.stdout, /Run 1 passed/);
  assert.equal(existsSync(`/tmp/build/${id}`), false);
  assert.equal(build('0\nCION_REV=nowhere').status, 2);
  const deploy = job('d1', `CION_JOB=deploy\nCION_PROJECT=${home}\nCION_FROM=1\nCION_PIPELINE=cion\nGIVEN=0`);
  assert.equal(deploy.status, 0, deploy.stderr);
  const { out } = await cion(['-C', home, 'runs', '--json'], { cwd: place });
  assert.equal(out.trimEnd().split('\n').length, 3);
});
